/** Looking for people and conversations, a moment after the last key. */
import { chat } from "./chat.js";
import { useCallback, useEffect, useSettled, useState } from "./ui.js";

const SETTLED_MS = 200;
const NOTHING = { people: null, conversations: null, error: null };

/** {people, conversations, error, retry}: lists of the library, null until they are there, and for no words. */
export function useSearch(search, { withConversations = true } = {}) {
  const words = useSettled(search.trim(), SETTLED_MS);
  const [found, setFound] = useState(NOTHING);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    if (!words) return setFound(NOTHING);
    let isWanted = true;
    const show = (result) => isWanted && setFound(result);
    const asked = [chat.searchPeople(words), withConversations ? chat.findConversations({ search: words, limit: 20 }) : null];
    Promise.all(asked).then(
      ([people, conversations]) => show({ people, conversations, error: null }),
      (error) => show({ ...NOTHING, error }),
    );
    return () => (isWanted = false);
  }, [words, attempt]);
  return { ...found, retry: useCallback(() => setAttempt((count) => count + 1), []) };
}
