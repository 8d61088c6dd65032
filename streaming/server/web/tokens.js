/** Tokens that this tab knows, by what they are for; forgotten with the tab, and never in an address for long. */

const ROLES = ["produce", "subscribe", "admin"];
const KEY = "hocket.token.";
const RESUME = "hocket.resume.";

/** The token for a role: its own, else any that this tab has, for a token may be good for several. */
export function tokenFor(role) {
  const candidates = [role, ...ROLES].map((each) => sessionStorage.getItem(KEY + each));
  return candidates.find(Boolean) ?? null;
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
