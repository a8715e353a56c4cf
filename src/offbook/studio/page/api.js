// Requests to the studio's API. What goes wrong is an ApiError with what happened and what to do.

import { currentLanguage } from "./shared/language.js";

import { word } from "./words.js";

const RETRY = 3000; // milliseconds until a stream that was refused is asked for again

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// A path of the API; each part may hold any characters.
export const path = (...parts) => `/api/${parts.map(encodeURIComponent).join("/")}`;

// `body`: an object is sent as JSON, a file or text as it is. The result is the answer's JSON.
async function call(method, address, body, signal) {
  const raw = body instanceof Blob;
  const headers = { "Accept-Language": currentLanguage() };
  if (body !== undefined) headers["Content-Type"] = raw ? "application/octet-stream" : "application/json";
  let response;
  try {
    response = await fetch(address, { method, headers, signal, body: body === undefined || raw ? body : JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, word("unreachable"));
  }
  if (response.status === 401) throw new ApiError(401, word("locked"));
  const answer = response.status === 204 ? {} : await response.json().catch(() => ({}));
  signal?.throwIfAborted(); // the answer may have been cut short
  if (!response.ok) throw new ApiError(response.status, message(answer) ?? word("failed"));
  return answer;
}

// What happened, and on a second line what to do.
const message = ({ error }) => error && [error.message, error.fix].filter(Boolean).join("\n");

export const get = (address, signal) => call("GET", address, undefined, signal);
export const post = (address, body = {}, signal) => call("POST", address, body, signal);
export const patch = (address, body, signal) => call("PATCH", address, body, signal);
export const remove = (address, signal) => call("DELETE", address, undefined, signal);

// The events of a stream until `signal` aborts: `handlers` maps an event's name to what is done with its data. A tab that
// is out of sight lets go of its connection (browsers have six of them for all tabs) and goes on after the last event.
// The result ends it.
export function listen(address, handlers, signal) {
  const ended = new AbortController();
  let source = null;
  let last = "";
  const connect = () => {
    if (document.hidden || source) return;
    source = new EventSource(last ? `${address}?after=${encodeURIComponent(last)}` : address);
    source.onerror = () => {
      if (source?.readyState !== EventSource.CLOSED) return; // else the browser asks again by itself
      disconnect();
      setTimeout(() => ended.signal.aborted || signal.aborted || connect(), RETRY);
    };
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => {
        last = event.lastEventId || last;
        handle(JSON.parse(event.data));
      });
    }
  };
  const disconnect = () => {
    source?.close();
    source = null;
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()), { signal: AbortSignal.any([signal, ended.signal]) });
  const end = () => {
    ended.abort();
    disconnect();
  };
  signal.addEventListener("abort", end);
  connect();
  return end;
}

// Wait, unless the page is left.
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("left", "AbortError"));
    });
  });
}
