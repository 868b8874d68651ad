package spacelift

by_ann(command) = document {
	document := {"request": {"command": command}, "session": {"admin": false}}
}

test_a_resource_is_marked {
	count(deny) == 0 with input as by_ann("terraform taint aws_instance.web")
}

test_the_mark_is_taken_back {
	count(deny) == 0 with input as by_ann("terraform untaint module.net.aws_subnet.a-1")
}

test_one_of_several_is_named_in_quotes {
	count(deny) == 0 with input as by_ann(`terraform taint 'aws_instance.web["blue"]'`)
}

test_another_command_is_denied {
	count(deny) == 1 with input as by_ann("terraform apply")
}

test_a_second_command_is_denied {
	ways := [
		"terraform taint a.b; id",
		"terraform taint a.b && id",
		"terraform taint a.b | tee /tmp/x",
		"terraform taint a.b & id",
		"terraform taint a.b\nid",
		"terraform\ntaint a.b",
		"terraform taint $(id)",
		"terraform taint `id`",
		"terraform taint 'a.b' 'c.d'",
		"terraform taint 'a.b'$(id)''",
		"terraform taint a.b > /etc/passwd",
		"x; terraform taint a.b",
	]
	denied := [way | way := ways[_]; count(deny) == 1 with input as by_ann(way)]
	denied == ways
}

test_an_option_is_denied {
	count(deny) == 1 with input as by_ann("terraform taint -state=/tmp/x")
	count(deny) == 1 with input as by_ann("terraform taint -allow-missing")
}

test_an_admin_runs_anything {
	count(deny) == 0 with input as {"request": {"command": "terraform apply; id"}, "session": {"admin": true}}
}

test_no_command_at_all_is_denied {
	count(deny) == 1 with input as {"request": {}, "session": {"admin": false}}
}
