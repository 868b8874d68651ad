# What may touch a database or the names of hosts needs one of the team that answers
# for it; anything else needs one colleague.
package spacelift

import rego.v1

# who answers for which addresses
guardians := {
	"dba": `(^|\.)(aws_db_|aws_rds_|google_sql_|azurerm_mssql_)`,
	"network": `(^|\.)(aws_route53_|google_dns_|azurerm_dns_)`,
}

approve if {
	count(input.reviews.current.approvals) >= 1
	count(missing) == 0
}

undecided_with_note contains note if {
	some team in missing
	note := sprintf("Somebody of @%s has to agree.", [team])
}

undecided_with_note contains "A colleague has to agree." if {
	count(missing) == 0
	count(input.reviews.current.approvals) == 0
}

missing := {team | some team in needed; not team in agreed}

agreed := {team |
	some review in input.reviews.current.approvals
	some team in review.session.teams
}

# A pattern that looks for the critical ones would be got around (a wildcard, a variable,
# no address at all). So the addresses are read, and what cannot be read needs everybody.
needed := {team | some team, pattern in guardians; some address in addresses; regex.match(pattern, address)} if readable

else := {team | some team, _ in guardians}

readable if count(addresses) >= 1

addresses := split(trim_prefix(input.run.command, first), " ") if {
	input.run.type == "TASK"
	some first in ["terraform taint ", "terraform untaint ", "terraform state show ", "terraform state rm ", "terraform state mv "]
	startswith(input.run.command, first)
	regex.match(`^terraform [a-z]+( [a-z]+)?( [a-z][a-z0-9_]*(\.[A-Za-z0-9_-]+)+)+$`, input.run.command)
}
