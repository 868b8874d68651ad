package spacelift

test_an_admin_may {
	count(deny) == 0 with input as {"session": {"name": "Ada", "admin": true}}
}

test_a_writer_may_not {
	deny["Ann is no admin of this stack, and only admins run commands on it."] with input as {"session": {"name": "Ann", "admin": false}}
}

test_a_session_that_does_not_say_may_not {
	deny["Whoever sent this is no admin of this stack, and only admins run commands on it."] with input as {"session": {}}
	count(deny) == 1 with input as {}
}

test_who_has_no_name_may_not {
	deny["Whoever sent this is no admin of this stack, and only admins run commands on it."] with input as {"session": {"name": "", "admin": false}}
}
