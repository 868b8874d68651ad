# One agrees and nobody objects any more. A person who changed their mind counts by
# their newest review, which alone stands in reviews.current.
package spacelift

approve {
	count(input.reviews.current.approvals) >= 1
	count(input.reviews.current.rejections) == 0
}

undecided_with_note[note] {
	review := input.reviews.current.rejections[_]
	note := sprintf("%s objects, and can still agree.", [named(review)])
}

undecided_with_note["Somebody has to agree."] {
	count(input.reviews.current.approvals) == 0
	count(input.reviews.current.rejections) == 0
}

# Whoever agreed once, and to something else or not any more, is named, not counted.
undecided_with_note[note] {
	current := {review.author | review := input.reviews.current[_][_]}
	review := input.reviews.older.approvals[_]
	not current[review.author]
	note := sprintf("%s agreed to what the run was before.", [named(review)])
}

named(review) = name {
	name := object.get(review.session, "name", review.author)
}
