# Somebody else than the author agrees, even on a stack with self_review. What was asked
# is kept as samples, for `handrail policy test` to ask again.
package spacelift

approve {
	another_one
}

undecided_with_note["Somebody else has to agree."] {
	not another_one
}

another_one {
	reviewer := input.reviews.current.approvals[_].author
	reviewer != input.run.creator_session.login
	reviewer != input.run.triggered_by
}

sample {
	true
}
