# Any one person agrees, but a no of the security team is final.
package handrail

import rego.v1

approve if {
	count(input.reviews.current.approvals) >= 1
	count(objections) == 0
}

reject_with_note contains note if {
	some name in objections
	note := sprintf("%s of the security team rejected it.", [name])
}

undecided_with_note contains "Somebody has to agree." if {
	count(input.reviews.current.approvals) == 0
	count(objections) == 0
}

objections := {review.session.name |
	some review in input.reviews.current.rejections
	"security" in review.session.teams
}
