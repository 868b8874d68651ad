package spacelift

test_a_writer_is_denied {
	count(deny) == 1 with input as {"request": {"command": "terraform plan"}, "session": {"admin": false}}
}

test_an_admin_is_denied {
	count(deny) == 1 with input as {"request": {"command": "true"}, "session": {"admin": true}}
}

test_it_depends_on_nothing_that_it_is_told {
	count(deny) == 1 with input as {}
}
