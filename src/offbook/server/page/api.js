// Requests to the server, and the events of its streams.

import { word } from "./i18n.js";

const KEY = "offbook:key";

export const hasKey = () => sessionStorage.getItem(KEY) !== null;
export const setKey = (key) => sessionStorage.setItem(KEY, key);

export class LockedError extends Error {}

export async function request(path, body, signal) {
  const key = sessionStorage.getItem(KEY);
  const headers = { ...(body && { "Content-Type": "application/json" }), ...(key && { Authorization: `Bearer ${key}` }) };
  const response = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal });
  if (response.status === 401) throw new LockedError();
  if (response.status === 429) throw new Error(word("busy"));
  if (response.status === 413) throw new Error(word("tooLong"));
  if (!response.ok) {
    const { error } = await response.json();
    const known = { context_length_exceeded: "tooLong", model_not_found: "notServed" }[error.code];
    throw new Error(known ? word(known) : error.message);
  }
  return response;
}

// The events of a reply, as objects of OpenAI's API.
export async function* streamReply(path, body, signal) {
  const response = await request(path, { ...body, stream: true }, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (held + value).split("\n");
    held = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data: ") || line === "data: [DONE]") continue;
      const event = JSON.parse(line.slice(6));
      if (event.error) throw new Error(event.error.message);
      yield event;
    }
  }
}
