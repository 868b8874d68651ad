# One command of plain words, and short enough to be read: no pipe, list, substitution,
# redirection or pattern of the shell. Longer things belong into a script in the source.
package handrail

import rego.v1

longest := 200

deny contains message if {
	not input.session.admin
	not short_enough
	message := sprintf("The command is longer than %d characters. Put it into a script in the stack's source.", [longest])
}

deny contains message if {
	not input.session.admin
	not plain
	message := concat(" ", [
		"The command has signs that a shell takes for its own.",
		"Send one program with plain words, or have a script in the stack's source do the rest.",
	])
}

short_enough if count(input.request.command) <= longest

# What is plain is listed, so that no sign is forgotten: letters, digits, and these.
# Words in single quotes may hold brackets and double quotes, as addresses have them.
plain if regex.match(`^([A-Za-z0-9_./:@%+,=-]|'[A-Za-z0-9_./:"\[\] -]*'| )+$`, input.request.command)
