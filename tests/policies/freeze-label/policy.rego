# A stack with the label `frozen` is looked at, and not changed, by admins neither.
package spacelift

deny[message] {
	label := input.stack.labels[_]
	reason := frozen_for(label)
	not only_looks
	message := sprintf("%s is frozen%s. What only looks still runs: %s.", [input.stack.id, reason, concat(", ", looks)])
}

# `frozen`, or with a reason as in `frozen:audit`
frozen_for("frozen") = ""

frozen_for(label) = reason {
	startswith(label, "frozen:")
	reason := sprintf(" (%s)", [trim_prefix(label, "frozen:")])
}

only_looks {
	looks[input.request.command]
}

looks := {
	"terraform output",
	"terraform plan -lock=false",
	"terraform state list",
	"terraform version",
}
