import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { useTheme } from "./session.ts";
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
  const theme = useTheme();
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    // A canvas knows no variables: the element lends its own colour to find out what each is in this theme.
    const colour = (name: string) => {
      element.style.color = `var(--${name})`;
      return getComputedStyle(element).color;
    };
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
