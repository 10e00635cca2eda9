/** `work`, put off to the end of what runs now: however often it is called until then, it is done once. */
export function coalesced(work) {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    queueMicrotask(() => {
      isDue = false;
      work();
    });
  };
}
