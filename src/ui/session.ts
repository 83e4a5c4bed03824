import { useEffect, useState } from "preact/hooks";

/** Gone with the tab: a token is not left behind on a shared machine. */
const TOKEN = "fleet-smoke.token";
const THEME = "fleet-smoke.theme";
const THEME_CHANGE = "themechange";

type Theme = "light" | "dark";

let version = 0;
let demand: string | null = null;
const listeners = new Set<() => void>();

function changed(): void {
  version += 1;
  for (const listener of listeners) listener();
}

export const session = {
  get token(): string | null {
    return sessionStorage.getItem(TOKEN);
  },
  /** Why a token is asked for; null: none is. */
  get demand(): string | null {
    return demand;
  },
  signIn(token: string): void {
    sessionStorage.setItem(TOKEN, token);
    demand = null;
    changed();
  },
  signOut(): void {
    sessionStorage.removeItem(TOKEN);
    changed();
  },
  ask(why: string): void {
    if (demand === why) return;
    demand = why;
    changed();
  },
  dismiss(): void {
    demand = null;
    changed();
  },
};

/** Changes with whoever is signed in. */
export function useSession(): number {
  const [seen, setSeen] = useState(version);
  useEffect(() => {
    const listener = () => setSeen(version);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return seen;
}

export function restoreTheme(): void {
  const theme = sessionStorage.getItem(THEME);
  if (theme !== null) document.documentElement.dataset.theme = theme;
}

/** The theme in force: the reader's choice, else the system's. */
function currentTheme(): Theme {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function switchTheme(): void {
  const theme = currentTheme() === "dark" ? "light" : "dark";
  sessionStorage.setItem(THEME, theme);
  document.documentElement.dataset.theme = theme;
  dispatchEvent(new Event(THEME_CHANGE));
}

/** Changes with whoever changes it: the reader or the system. */
export function useTheme(): Theme {
  const [theme, setTheme] = useState(currentTheme());
  useEffect(() => {
    const system = matchMedia("(prefers-color-scheme: dark)");
    const changed = () => setTheme(currentTheme());
    addEventListener(THEME_CHANGE, changed);
    system.addEventListener("change", changed);
    return () => {
      removeEventListener(THEME_CHANGE, changed);
      system.removeEventListener("change", changed);
    };
  }, []);
  return theme;
}
