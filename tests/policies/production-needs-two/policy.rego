# Labels say how many agree: none in a sandbox, one in staging, two everywhere else.
package spacelift

approve if count(input.reviews.current.approvals) >= needed

undecided_with_note contains note if {
	given := count(input.reviews.current.approvals)
	given < needed
	note := sprintf("%d of %d people who have to agree did.", [given, needed])
}

# The strictest comes first, and a stack without any of the labels is taken for one of
# production: a label that was forgotten loosens nothing.
needed := 2 if {
	"production" in input.stack.labels
} else := 1 if {
	"staging" in input.stack.labels
} else := 0 if {
	"sandbox" in input.stack.labels
} else := 2
