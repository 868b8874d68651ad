package spacelift

import rego.v1

run(command, teams) := {
	"run": {"type": "TASK", "command": command},
	"reviews": {"current": {"approvals": [{"author": team, "session": {"teams": [team]}} | some team in teams], "rejections": []}},
}

test_a_colleague_agrees_to_what_is_not_critical if {
	approve with input as run("terraform taint aws_instance.web", ["platform"])
	approve with input as run("terraform state mv aws_vpc.a module.net.aws_vpc.a", ["platform"])
}

test_nobody_else_is_asked_for_that if {
	document := run("terraform taint aws_instance.web", [])
	not approve with input as document
	undecided_with_note == {"A colleague has to agree."} with input as document
}

test_a_database_needs_its_team if {
	document := run("terraform taint module.db.aws_db_instance.main", ["platform"])
	not approve with input as document
	undecided_with_note == {"Somebody of @dba has to agree."} with input as document
}

test_its_team_agrees if {
	approve with input as run("terraform taint module.db.aws_db_instance.main", ["dba"])
}

test_two_addresses_may_need_two_teams if {
	command := "terraform state rm aws_rds_cluster.a aws_route53_record.b"
	not approve with input as run(command, ["dba"])
	not approve with input as run(command, ["network"])
	approve with input as run(command, ["dba", "network"])
}

test_a_name_that_only_sounds_like_it_is_not_critical if {
	approve with input as run("terraform taint aws_instance.aws_db-proxy", ["platform"])
}

test_what_cannot_be_read_needs_everybody if {
	every command in [
		"terraform destroy",
		"terraform apply -target=aws_instance.web",
		"terraform taint $(cat addresses)",
		"terraform taint aws_instance.web; terraform destroy",
		"terraform taint aws_instance.web\nterraform destroy",
		"terraform taint 'aws_d'b_instance.main",
		"terraform taint -lock=false aws_instance.web",
		"terraform  taint aws_instance.web",
	] {
		not approve with input as run(command, ["platform", "dba"])
		approve with input as run(command, ["network", "dba"])
	}
}

test_a_deploy_needs_everybody if {
	deploy := {"run": {"type": "TRACKED", "command": null}}
	not approve with input as object.union(run("", ["platform", "dba"]), deploy)
	approve with input as object.union(run("", ["network", "dba"]), deploy)
}

test_nobody_agreed_to_what_cannot_be_read if {
	count(undecided_with_note) == 2 with input as run("terraform destroy", [])
}
