# No command runs on the stack, whoever sends it: it is changed by its deploys.
package spacelift

deny["No commands run on this stack: change it in its repository, and deploy."] {
	true
}
