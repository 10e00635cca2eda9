/** How long things take, in milliseconds; `new ChatClient({ timing })` changes some, which is meant for tests. */
export const TIMING = Object.freeze({
  answerWithin: 10_000, // a call, and the first frame of a connection
  ackWithin: 10_000, // a message; then it is sent again
  pingEvery: 25_000,
  pongWithin: 10_000,
  probeWithin: 3_000, // where the network has just changed
  firstDelay: 500, // before the connection is tried again; doubled each time
  longestDelay: 30_000,
  busyDelay: 30_000, // after 4409 and 4429; at least half of it
  restartDelay: 1_500, // after 4503
  stableAfter: 5_000, // a connection that lasted so long begins at `firstDelay` again
  gapAfter: 6_000, // what the server has and did not send is asked for
  loadAgainAfter: 2_000, // doubled each time
  refreshEvery: 1_000,
  unavailableDelay: 1_000, // before a message is sent again; doubled each time
  readEvery: 1_000,
  typingEvery: 3_000,
  typingShownFor: 8_000,
  renewMargin: 60_000, // before an access token runs out, or a third of its life where that is less
  renewAgainAfter: 5_000,
});
