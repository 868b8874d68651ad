package spacelift

import rego.v1

sent(command, holder) := {
	"request": {"command": command},
	"session": {"login": "U0ANN"},
	"stack": {"id": "net-prod", "locked_by": holder},
}

test_the_holder_changes_it if {
	count(deny) == 0 with input as sent("terraform state rm a.b", "U0ANN")
}

test_nobody_holds_it if {
	deny["Hold net-prod first: reply lock in one of its threads. Then send the command again."] with input as sent("terraform state rm a.b", null)
}

test_somebody_else_holds_it if {
	count(deny) == 1 with input as sent("terraform state rm a.b", "U0BOB")
}

test_a_look_needs_no_hold if {
	count(deny) == 0 with input as sent("terraform state show module.net.aws_vpc.main", null)
	count(deny) == 0 with input as sent("terraform output", null)
}

test_a_look_with_more_behind_it_does if {
	count(deny) == 1 with input as sent("terraform state show a.b; id", null)
	count(deny) == 1 with input as sent("terraform state show a.b\nid", null)
	count(deny) == 1 with input as sent("terraform state show -state=x", null)
	count(deny) == 1 with input as sent("terraform output | sh", null)
}

test_a_session_without_a_login_holds_nothing if {
	count(deny) == 1 with input as {
		"request": {"command": "true"},
		"session": {"login": ""},
		"stack": {"id": "net-prod", "locked_by": ""},
	}
}
