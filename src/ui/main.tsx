// Hooks for tests, kept stable as `data-testid`: suite-card, decision, progress, trigger, cancel, history-point,
// matrix-cell (data-authorizer, data-gateway, data-checks), cause-row (data-cause), results-row, device-page, token-dialog.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { TokenDialog } from "./parts/token-dialog.tsx";
import { parseRoute, type Route } from "./route.ts";
import { restoreTheme, session, switchTheme, useSession, useTheme } from "./session.ts";
import "./style.css";
import { DeviceView } from "./views/device.tsx";
import { Overview } from "./views/overview.tsx";
import { ResultsView } from "./views/results.tsx";
import { RunView } from "./views/run.tsx";

function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const moved = () => {
      setHash(location.hash);
      scrollTo(0, 0);
      document.getElementById("main")?.focus();
    };
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  return parseRoute(hash);
}

function View({ route }: { readonly route: Route }) {
  switch (route.view) {
    case "overview":
      return <Overview suite={route.suite} />;
    case "run":
      return <RunView runId={route.runId} />;
    case "results":
      return <ResultsView runId={route.runId} filter={route.filter} />;
    case "device":
      return <DeviceView device={route.device} />;
    case "nowhere":
      return (
        <p>
          There is nothing here. <a href="#/">To the overview</a>
        </p>
      );
  }
}

function App() {
  useSession();
  const route = useRoute();
  const theme = useTheme();
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        To the content
      </button>
      <header class="top">
        <a class="name" href="#/">
          fleet-smoke
        </a>
        <span class="motto">Will the devices get back in?</span>
        <nav aria-label="More">
          <button type="button" onClick={switchTheme}>
            {theme === "dark" ? "Light" : "Dark"}
          </button>
          {session.token === null ? (
            <button type="button" onClick={() => session.ask("To read or to start runs.")}>
              Sign in
            </button>
          ) : (
            <button type="button" onClick={() => session.signOut()}>
              Forget token
            </button>
          )}
        </nav>
      </header>
      <main id="main" tabIndex={-1}>
        <View route={route} />
      </main>
      <TokenDialog />
    </>
  );
}

restoreTheme();
const place = document.getElementById("app");
if (place !== null) render(<App />, place);
