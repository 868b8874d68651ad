package spacelift

on(labels, command) = document {
	document := {"request": {"command": command}, "session": {"admin": true}, "stack": {"id": "net-prod", "labels": labels}}
}

test_a_stack_without_the_label_is_changed {
	count(deny) == 0 with input as on(["production", "unfrozen"], "terraform apply")
}

test_one_with_the_label_is_not {
	count(deny) == 1 with input as on(["production", "frozen"], "terraform apply")
}

test_the_reason_is_said {
	messages := deny with input as on(["frozen:audit"], "terraform apply")
	some message
	messages[message]
	startswith(message, "net-prod is frozen (audit).")
}

test_it_is_still_looked_at {
	count(deny) == 0 with input as on(["frozen"], "terraform state list")
}

test_what_begins_with_a_look_is_denied {
	count(deny) == 1 with input as on(["frozen"], "terraform state list; terraform apply")
	count(deny) == 1 with input as on(["frozen"], "terraform state list\nterraform apply")
	count(deny) == 1 with input as on(["frozen"], "terraform plan -lock=false $(id)")
}
