# What only reads runs at once; two people agree to anything else.
package spacelift

approve_with_note["It only reads."] {
	only_reads
}

approve {
	count(input.reviews.current.approvals) >= 2
}

undecided_with_note[note] {
	not only_reads
	given := count(input.reviews.current.approvals)
	given < 2
	note := sprintf("Two people have to agree to what is not on the list of commands that only read; %d of them did.", [given])
}

# A set is asked for the whole command, so nothing can stand behind it. A deploy has none.
only_reads {
	input.run.type == "TASK"
	reading := {"terraform output", "terraform providers", "terraform state list", "terraform version"}
	reading[input.run.command]
}

# A pattern is anchored at both ends, and knows neither newline nor any sign of a shell.
only_reads {
	input.run.type == "TASK"
	regex.match(`^terraform state show ([a-z][A-Za-z0-9_.-]*|'[a-z][A-Za-z0-9_./:"\[\]-]*')$`, input.run.command)
}
