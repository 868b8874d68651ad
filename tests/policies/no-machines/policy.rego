# Commands are typed by people; an API key deploys, and does nothing else.
package handrail

deny contains "API keys run no commands on this stack; deploy it, or ask somebody who writes it." if {
	not by_a_person
}

by_a_person if input.session.machine == false
