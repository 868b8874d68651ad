# Both kinds in one file: an API key only plans by command, its deploys need nobody, and
# what a person sends needs one colleague.
package handrail

import rego.v1

deny contains message if {
	not input.session.machine == false
	not input.request.command in {"terraform plan", "terraform validate"}
	message := sprintf("The API key %s plans and validates by command; anything else is a deploy.", [input.session.login])
}

approve if input.run.type == "TRACKED"

approve if {
	input.run.creator_session.machine
	input.run.command in {"terraform plan", "terraform validate"}
}

approve if count(input.reviews.current.approvals) >= 1

undecided_with_note contains "A colleague has to agree to a command." if not approve
