# Whoever is about to change a stack by hand holds it first, so that no deploy comes
# between two of their commands. What only looks needs no hold.
package spacelift

import rego.v1

deny contains message if {
	not looks
	not holds
	message := sprintf("Hold %s first: reply lock in one of its threads. Then send the command again.", [input.stack.id])
}

holds if {
	input.stack.locked_by != ""
	input.stack.locked_by == input.session.login
}

looks if input.request.command in {"terraform output", "terraform state list", "terraform validate"}

looks if regex.match(`^terraform state show [a-z][A-Za-z0-9_.-]*$`, input.request.command)
