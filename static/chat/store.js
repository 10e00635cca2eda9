/**
 * Values that all tabs share, where a read sees every write that was finished before it.
 * (localStorage does not promise that: another tab's process may see a write some milliseconds late.)
 */

let opened = null;

function database() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("chat", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("values");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

/** Put `change(old)` in the place of the value, with nothing in between; answers the new one. Undefined is no value. */
export async function update(key, change) {
  const transaction = (await database()).transaction("values", "readwrite");
  const values = transaction.objectStore("values");
  return new Promise((resolve, reject) => {
    let value;
    values.get(key).onsuccess = ({ target }) => {
      value = change(target.result);
      if (value === undefined) values.delete(key);
      else values.put(value, key);
    };
    transaction.oncomplete = () => resolve(value);
    transaction.onabort = () => reject(transaction.error);
  });
}

export const read = (key) => update(key, (value) => value);
export const write = (key, value) => update(key, () => value);
