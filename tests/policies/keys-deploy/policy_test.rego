package handrail

import rego.v1

sent(machine, command) := {"request": {"command": command}, "session": {"login": "ci", "machine": machine}}

waiting(kind, machine, approvals) := {
	"run": {"type": kind, "command": "terraform plan", "creator_session": {"login": "ci", "machine": machine}},
	"reviews": {"current": {"approvals": approvals, "rejections": []}},
}

test_a_key_plans if {
	count(deny) == 0 with input as sent(true, "terraform plan")
}

test_a_key_runs_nothing_else if {
	count(deny) == 1 with input as sent(true, "terraform apply")
	count(deny) == 1 with input as sent(true, "terraform plan; terraform apply")
	count(deny) == 1 with input as sent(true, "terraform plan\nterraform apply")
	count(deny) == 1 with input as sent(true, "terraform plan -out=x && id")
}

test_a_person_is_not_denied if {
	count(deny) == 0 with input as sent(false, "terraform apply")
}

test_a_deploy_needs_nobody if {
	approve with input as waiting("TRACKED", true, [])
}

test_a_plan_of_a_key_needs_nobody if {
	approve with input as waiting("TASK", true, [])
}

test_a_command_of_a_person_needs_one if {
	not approve with input as waiting("TASK", false, [])
	undecided_with_note == {"A colleague has to agree to a command."} with input as waiting("TASK", false, [])
	approve with input as waiting("TASK", false, [{"author": "U0BOB"}])
}
