/** Slack's error names, in words. */

const WORDS = {
  operation_timeout: "The app did not answer within 3 seconds (operation_timeout).",
  dispatch_failed: "No app is connected to take this (dispatch_failed).",
  unknown_command: "No app in this workspace knows this command.",
  not_in_channel: "You are not a member of this channel.",
  channel_not_found: "This channel does not exist, or you may not see it.",
  is_archived: "This channel is archived.",
  message_not_found: "This message is gone.",
  messages_tab_read_only: "Sending messages to this app has been turned off.",
  invalid_options: "The app offered nothing that can be chosen.",
  account_inactive: "This account is deactivated.",
};

/** What to tell a person of *error*. */
export function wordsFor(error) {
  return WORDS[error] ?? error;
}
