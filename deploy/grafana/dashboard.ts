import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import {
  GraphDrawStyle,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  StackingConfigBuilder,
  StackingMode,
  VizLegendOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  MappingType,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type ValueMapping,
  VariableRefresh,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TimelineBuilder } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as TimeseriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import { assertNever } from "../../src/lib/errors.ts";
import { metric } from "../prometheus/rules.ts";
import type { PanelSpec } from "./panel-spec.ts";
import { ROWS } from "./rows.ts";

const SOURCE = { type: "prometheus", uid: "${datasource}" };
const PANEL_HEIGHT = 8;

/** Okabe and Ito's palette: told apart with every common kind of colour blindness. */
const BLUE = "#0072B2";
const VERMILION = "#D55E00";
const ORANGE = "#E69F00";
const GREY = "#999999";

const DECISIONS: ValueMapping = {
  type: MappingType.ValueToText,
  options: {
    "1": { text: "✔ go", color: BLUE, index: 0 },
    "2": { text: "? inconclusive", color: ORANGE, index: 1 },
    "3": { text: "✘ no-go", color: VERMILION, index: 2 },
  },
};

const VERDICT_COLORS = { pass: BLUE, fail: VERMILION, inconclusive: ORANGE, skipped: GREY };

const STEPS: Readonly<Record<"plain" | "expiry" | "alarm" | "authorizer-limit", Threshold[]>> = {
  // Left out, Grafana would turn a stat red from 80 on.
  plain: [{ value: null, color: BLUE }],
  expiry: [
    { value: null, color: VERMILION },
    { value: 0, color: BLUE },
  ],
  alarm: [
    { value: null, color: BLUE },
    { value: 1, color: VERMILION },
  ],
  "authorizer-limit": [
    { value: null, color: "transparent" },
    { value: 2.5, color: ORANGE },
    { value: 5, color: VERMILION },
  ],
};

/** The Grafana dashboard as the JSON that Grafana imports. */
export function renderDashboard(): string {
  const board = new DashboardBuilder("fleet-smoke")
    .uid("fleet-smoke")
    .description("Would the devices get in? Decisions, causes, latency and the tester's own health.")
    .tags(["fleet-smoke", "aws-iot"])
    .timezone("browser")
    .time({ from: "now-24h", to: "now" })
    .refresh("1m")
    .withVariable(new DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"))
    .withVariable(variable("suite", "Suite", metric("runs_total")))
    .withVariable(variable("target", "Target", metric("target_info")))
    .withVariable(variable("cohort", "Cohort", metric("profiles", 'target=~"$target"')));
  for (const row of ROWS) {
    board.withRow(new RowBuilder(row.title));
    for (const spec of row.panels) board.withPanel(panel(spec));
  }
  return `${JSON.stringify(board.build(), null, 2)}\n`;
}

/** Everything is chosen at first; `.*` also matches the series that have no such label value any more. */
function variable(name: string, label: string, series: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(SOURCE)
    .query({ query: `label_values(${series}, ${name})`, refId: name })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue(".*")
    .current({ selected: true, text: "All", value: "$__all" });
}

function panel(spec: PanelSpec): Builder<Panel> {
  switch (spec.kind) {
    case "stat":
      return common(new StatBuilder(), spec);
    case "timeline":
      return common(new TimelineBuilder(), spec);
    case "lines":
      return colored(common(new TimeseriesBuilder(), spec), spec);
    case "bars":
      return colored(common(new TimeseriesBuilder(), spec), spec)
        .drawStyle(GraphDrawStyle.Bars)
        .fillOpacity(80)
        .stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
    case "table":
      return common(new TableBuilder(), spec).withTransformation({
        id: "filterFieldsByName",
        options: { include: { names: ["suite", "rule", "Value"] } },
      });
    case "matrix":
      return common(new TableBuilder(), spec).withTransformation({
        id: "groupingToMatrix",
        options: { rowField: "authorizer_answer", columnField: "gateway_outcome", valueField: "Value" },
      });
    default:
      return assertNever(spec.kind, "panel kind");
  }
}

type Any = StatBuilder | TimelineBuilder | TableBuilder | TimeseriesBuilder;

/** What every kind of panel has; the union's builders share these methods, not a type. */
function common<B extends Any>(builder: B, spec: PanelSpec): B {
  const made = builder
    .title(spec.title)
    .description(spec.description)
    .datasource(SOURCE)
    .span(spec.width)
    .height(PANEL_HEIGHT)
    .unit(spec.unit)
    .noValue("none yet");
  for (const [index, { expr, legend }] of spec.queries.entries())
    made.withTarget(query(spec, index, expr, legend));
  if (spec.look === "decision") made.mappings([DECISIONS]);
  const steps = spec.look === "decision" || spec.look === "verdict" ? "plain" : (spec.look ?? "plain");
  made.thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(STEPS[steps]));
  return builder;
}

function query({ kind }: PanelSpec, index: number, expr: string, legend: string): DataqueryBuilder {
  const made = new DataqueryBuilder()
    .refId(String.fromCharCode(65 + index))
    .datasource(SOURCE)
    .expr(expr)
    .legendFormat(legend);
  if (kind === "table" || kind === "matrix") return made.instant().format(PromQueryFormat.Table);
  return kind === "stat" ? made.instant() : made.range();
}

function colored(builder: TimeseriesBuilder, { look }: PanelSpec): TimeseriesBuilder {
  builder.legend(
    new VizLegendOptionsBuilder()
      .showLegend(true)
      .displayMode(LegendDisplayMode.List)
      .placement(LegendPlacement.Bottom)
      .calcs([]),
  );
  if (look === "authorizer-limit") {
    builder.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  }
  if (look !== "verdict") return builder;
  for (const [verdict, fixedColor] of Object.entries(VERDICT_COLORS)) {
    builder.overrideByName(verdict, [{ id: "color", value: { mode: "fixed", fixedColor } }]);
  }
  return builder;
}
