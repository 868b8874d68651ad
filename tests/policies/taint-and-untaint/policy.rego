# Admins run anything; everybody else marks one resource, or takes the mark back.
package spacelift

deny["Only terraform taint and untaint of one address run here; an admin may run anything else."] {
	not input.session.admin
	not marks_one_resource
}

marks_one_resource {
	regex.match(mark, input.request.command)
}

# The whole command, by single blanks: \s would let a newline through, which ends a
# command for a shell. An address is plain, or in single quotes that nothing inside it
# can close; the first character keeps it from being an option.
mark := `^terraform (un)?taint ([a-z][A-Za-z0-9_.-]*|'[a-z][A-Za-z0-9_./:"\[\]-]*')$`
