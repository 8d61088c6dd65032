/** Tokens that this tab knows, by what they are for; forgotten with the tab, and never in an address for long. */

const ROLES = ["produce", "subscribe", "admin"];
const KEY = "hocket.token.";
const RESUME = "hocket.resume.";
const PATIENCE = 10_000; // milliseconds

/** The token for a role: its own, else any that this tab has, for a token may be good for several. */
export function tokenFor(role) {
  const candidates = [role, ...ROLES].map((each) => sessionStorage.getItem(KEY + each));
  return candidates.find(Boolean) ?? null;
}

/**
 * What opens one socket, within seconds, and may stand in its address, where a token would stay in logs.
 * @returns {Promise<{ticket?: string, refusal?: Object}>}  Neither where the server does not answer.
 */
export async function askForTicket(token, role, session) {
  const query = new URLSearchParams({ role, session });
  const headers = { Authorization: `Bearer ${asBytes(token)}` };
  const signal = AbortSignal.timeout(PATIENCE);
  try {
    const answer = await fetch(`v1/tickets?${query}`, { method: "POST", headers, signal });
    const said = await answer.json();
    return answer.ok ? { ticket: said.ticket } : { refusal: said };
  } catch {
    return {};
  }
}

/** Remember a token. */
export function rememberToken(role, token) {
  sessionStorage.setItem(KEY + role, token);
}

/** Remember the token with which this tab may go on speaking in a session, after it was loaded again. */
export function rememberResume(session, token) {
  sessionStorage.setItem(RESUME + session, token);
}

/** That token, if this tab spoke in the session. */
export function resumeFor(session) {
  return sessionStorage.getItem(RESUME + session);
}

/** Take the token out of `#token=…`, which browsers keep to themselves, and out of the address bar. */
export function takeTokenFromAddress() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get("token");
  if (!token) return;
  for (const role of ROLES) rememberToken(role, token);
  history.replaceState(null, "", location.pathname + location.search);
}

/** Text in whose place a header holds its bytes: whatever was typed in, it can be sent. */
function asBytes(text) {
  return String.fromCharCode(...new TextEncoder().encode(text));
}
