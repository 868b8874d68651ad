package handrail

import rego.v1

sent(command) := {"request": {"command": command}, "session": {"admin": false}}

test_plain_words_may if {
	every command in [
		"terraform plan -target=module.dns",
		"terraform state mv 'a.b[\"x\"]' 'c.d[0]'",
		"ansible-playbook site.yml -l web,db",
	] {
		count(deny) == 0 with input as sent(command)
	}
}

test_signs_of_the_shell_may_not if {
	every sign in [";", "|", "&", "$", "`", "(", ")", "<", ">", "\n", "\r", "\t", "\\", "\"", "'", "*", "?", "[", "{", "~", "#", "!", "ä", "\u00a0"] {
		count(deny) == 1 with input as sent(sprintf("terraform plan %s id", [sign]))
	}
}

test_a_quote_that_is_left_open_may_not if {
	count(deny) == 1 with input as sent("echo 'a' b'")
}

test_it_is_as_long_as_it_may_be if {
	count(deny) == 0 with input as sent(sprintf("%0200d", [0]))
	count(deny) == 1 with input as sent(sprintf("%0201d", [0]))
}

test_both_faults_are_told if {
	count(deny) == 2 with input as sent(sprintf("%0201d;", [0]))
}

test_an_admin_may_anything if {
	count(deny) == 0 with input as {"request": {"command": "a | b"}, "session": {"admin": true}}
}

test_no_command_at_all_may_not if {
	count(deny) == 2 with input as {"request": {}, "session": {"admin": false}}
}
