package spacelift

run(command, reviewers) = document {
	document := {
		"run": {"type": "TASK", "command": command},
		"reviews": {
			"current": {"approvals": [{"author": who} | who := reviewers[_]], "rejections": []},
			"older": {"approvals": [], "rejections": []},
		},
	}
}

test_a_reading_command_runs_at_once {
	approve_with_note["It only reads."] with input as run("terraform state list", [])
	approve_with_note["It only reads."] with input as run("terraform state show module.a.b_c.d-1", [])
	approve_with_note["It only reads."] with input as run(`terraform state show 'a.b["x"]'`, [])
}

test_nobody_has_to_be_named_for_it {
	count(undecided_with_note) == 0 with input as run("terraform output", [])
}

test_anything_else_waits {
	not approve with input as run("terraform apply", [])
	count(approve_with_note) == 0 with input as run("terraform apply", [])
	not approve with input as run("terraform apply", ["U0BOB"])
}

test_what_it_waits_for_is_said {
	undecided_with_note["Two people have to agree to what is not on the list of commands that only read; 1 of them did."] with input as run("terraform apply", ["U0BOB"])
}

test_two_people_agree {
	approve with input as run("terraform apply", ["U0BOB", "U0CARL"])
	count(undecided_with_note) == 0 with input as run("terraform apply", ["U0BOB", "U0CARL"])
}

test_more_than_a_reading_command_waits {
	ways := [
		"terraform state list; rm -rf /",
		"terraform state list\nrm -rf /",
		"terraform state list ",
		"terraform state show a.b && id",
		"terraform state show a.b\nid",
		"terraform state show 'a.b';'id'",
		"terraform state show $(id)",
		"terraform state show -state=x",
		"id; terraform state show a.b",
	]
	waiting := [way | way := ways[_]; count(approve_with_note) == 0 with input as run(way, [])]
	waiting == ways
}

deploy(reviewers) = document {
	changed := [{"op": "replace", "path": "/run/type", "value": "TRACKED"}, {"op": "replace", "path": "/run/command", "value": null}]
	document := json.patch(run("", reviewers), changed)
}

test_a_deploy_waits_for_two {
	not approve with input as deploy(["U0BOB"])
	count(approve_with_note) == 0 with input as deploy([])
	count(undecided_with_note) == 1 with input as deploy([])
	approve with input as deploy(["U0BOB", "U0CARL"])
}
