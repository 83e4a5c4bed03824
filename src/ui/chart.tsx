import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

interface ChartProps {
  readonly data: uPlot.AlignedData;
  /** Colours come from the theme in force. */
  readonly options: (colour: (name: string) => string) => Omit<uPlot.Options, "width" | "height">;
  readonly height: number;
  /** For who cannot see it; the same numbers are in a table nearby. */
  readonly label: string;
  readonly onPick?: (index: number) => void;
}

/** A uPlot chart that follows its width and the theme. */
export function Chart({ data, options, height, label, onPick }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const [theme, setTheme] = useState(0);
  useEffect(() => {
    const system = matchMedia("(prefers-color-scheme: dark)");
    const listener = () => setTheme((before) => before + 1);
    addEventListener("themechange", listener);
    system.addEventListener("change", listener);
    return () => {
      removeEventListener("themechange", listener);
      system.removeEventListener("change", listener);
    };
  }, []);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
    const plot = new uPlot(
      { ...options(colour), width: Math.max(240, element.clientWidth), height },
      data,
      element,
    );
    const watcher = new ResizeObserver(() =>
      plot.setSize({ width: Math.max(240, element.clientWidth), height }),
    );
    watcher.observe(element);
    const pick = () => {
      const { idx } = plot.cursor;
      if (idx !== null && idx !== undefined) onPick?.(idx);
    };
    plot.over.addEventListener("click", pick);
    return () => {
      watcher.disconnect();
      plot.destroy();
    };
  }, [data, options, height, theme, onPick]);
  return <div class="chart" ref={place} role="img" aria-label={label} />;
}
