# What the init exports reaches the command.
export LOGGED_IN_AS="$HANDRAIL_ACTOR_NAME"
echo "Logged in as $LOGGED_IN_AS."
