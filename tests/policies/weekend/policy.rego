# Nothing runs from Friday evening to Monday morning, but for who is on call.
package handrail

import rego.v1

timezone := "Europe/Berlin"

deny contains message if {
	not on_a_working_day
	not on_call
	message := "From Friday 16:00 to Monday 07:00 only those who are on call run commands."
}

on_call if "on-call" in input.session.teams

# What is allowed is said, not what is forbidden: a request without a time is denied.
on_a_working_day if {
	weekday in {"Tuesday", "Wednesday", "Thursday"}
}

on_a_working_day if {
	weekday == "Monday"
	hour >= 7
}

on_a_working_day if {
	weekday == "Friday"
	hour < 16
}

weekday := time.weekday([input.request.timestamp_ns, timezone])

hour := time.clock([input.request.timestamp_ns, timezone])[0]
