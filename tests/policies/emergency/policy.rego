# Two people agree; in an incident one does, where somebody on call names it.
package handrail

approve {
	count(others) >= 2
}

approve_with_note[note] {
	number := incident
	count(others) >= 1
	note := sprintf("Incident %s: one other person is enough.", [number])
}

# It is undecided until they agree. A policy that rejects as long as nobody agreed would
# end the run before anybody could.
undecided_with_note[note] {
	not approve
	not incident
	note := sprintf("Two other people have to agree; %d did. In an incident one does: on call, end the command with # INC-<number>.", [count(others)])
}

undecided_with_note[note] {
	number := incident
	count(others) == 0
	note := sprintf("Incident %s: one other person has to agree.", [number])
}

# A comment of the shell at the very end, so that it changes nothing of the command.
incident = number {
	input.run.type == "TASK"
	input.run.creator_session.teams[_] == "on-call"
	found := regex.find_all_string_submatch_n(` # (INC-[0-9]{1,9})$`, input.run.command, 1)
	number := found[0][1]
}

others := {review.author |
	review := input.reviews.current.approvals[_]
	review.author != input.run.creator_session.login
}
