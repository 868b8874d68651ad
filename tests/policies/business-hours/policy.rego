# By day a colleague agrees. At any other time somebody on call does, or sent it.
package handrail

import rego.v1

timezone := "America/New_York"

approve_with_note contains "The author is on call." if {
	"on-call" in input.run.creator_session.teams
}

approve if {
	in_business_hours
	count(input.reviews.current.approvals) >= 1
}

approve if {
	some review in input.reviews.current.approvals
	"on-call" in review.session.teams
}

undecided_with_note contains "A colleague has to agree." if in_business_hours

undecided_with_note contains "It was sent outside business hours, so somebody of @on-call has to agree." if {
	not in_business_hours
}

# When it was sent counts, not when somebody agrees: what comes on a Sunday is not made
# harmless by waiting until Monday.
in_business_hours if {
	not weekday in {"Saturday", "Sunday"}
	hour >= 9
	hour < 17
}

weekday := time.weekday([input.run.created_at, timezone])

hour := time.clock([input.run.created_at, timezone])[0]
