# Commands are for admins. Who is not said to be one is none.
package spacelift

deny[message] {
	not input.session.admin
	message := sprintf("%s is no admin of this stack, and only admins run commands on it.", [who])
}

# Where a message cannot be made, nothing is denied: so it is never undefined.
who := input.session.name {
	input.session.name != ""
} else := "Whoever sent this"
