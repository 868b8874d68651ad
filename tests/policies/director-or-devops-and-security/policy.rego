# A director agrees alone; otherwise one of DevOps and another person of security do.
package spacelift

approve {
	of_team("director")[_]
}

approve {
	devops := of_team("devops")[_]
	security := of_team("security")[_]

	# Who is of both teams is one person still.
	devops != security
}

undecided_with_note["Somebody of @director has to agree, or one of @devops and another one of @security."] {
	not approve
}

# Of the author's own approval nothing is made here, even on a stack with self_review.
of_team(team) = reviewers {
	reviewers := {review.author |
		review := input.reviews.current.approvals[_]
		review.session.teams[_] == team
		review.author != input.run.creator_session.login
	}
}
