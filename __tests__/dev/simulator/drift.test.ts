import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { projectDir } from "../../../dev/lab/paths";
import { journal, planFaults } from "../../../dev/simulator/faults";
import { discScenarios, ejected, restoredScenario } from "../../support/drift/discs";
import { documentText, outcomesOf, refusalOf, type Row } from "../../support/drift/document";
import { type Drift, withDrift } from "../../support/drift/drift";
import { type DriftStack, fateOf, openDriftStack } from "../../support/drift/driftStack";
import { grownDisks, grownMb, machineScenarios } from "../../support/drift/machines";
import { nodeScenarios } from "../../support/drift/nodes";
import { isOneByOne, rebuildCluster, seenRebuilt } from "../../support/drift/rebuiltCluster";
import { refusedByRefresh, refusedByUp, refusedIso } from "../../support/drift/refusals";
import { adoptedRoute, type RouteDrift, routeDrifts, routeKey, routes } from "../../support/drift/routes";
import {
  changes,
  type Difference,
  differences,
  isCompared,
  readStackState,
  type StackState,
} from "../../support/drift/stackState";
import { unseen, untouched } from "../../support/drift/untouched";

// Each test goes on where the one before ended: one stack sees everything.
jest.setTimeout(300_000);

const scenarios = [...machineScenarios, ...discScenarios, restoredScenario, ...nodeScenarios];
const all = [...scenarios, untouched];
const names = all.map(({ worker }) => worker);
const overrides = Object.fromEntries(all.flatMap(({ worker, overrides }) => (overrides ? [[worker, overrides]] : [])));
/** Those that the rest goes on with: one of each kind is enough. */
const kept = [...new Set([refusedIso, ...refusedByUp].map(({ worker }) => worker)), "recreated", untouched.worker];

/** Without an endpoint of its own, the stack asks the cluster for it. */
const configurationOf = (workers: readonly string[], more: typeof overrides = {}) => {
  const workerOverrides = Object.fromEntries(
    Object.entries({ ...overrides, ...more }).filter(([worker]) => workers.includes(worker)),
  );
  return { workerNames: workers, workerOverrides, cpus: 1, routes, controlPlaneEndpoint: "" };
};

let stack: DriftStack;
beforeAll(async () => void (stack = await openDriftStack(configurationOf(names))));
afterAll(() => stack.remove());

const up = () => stack.succeed("up", "--yes", "--skip-preview");
const refresh = () => stack.succeed("refresh", "--yes", "--skip-preview");
const uuidIn = (state: StackState, worker: string) => state[`vbox:Vm ${worker}`]!.uuid as string;

async function act({ worker, drifts }: { worker: string; drifts: readonly Drift[] }): Promise<void> {
  for (const drift of drifts) await drift.act(stack.handOn(worker));
}

/** The UUIDs of a worker's extra disks, by their files. */
const disksOf = (worker: string) =>
  new Map(
    stack.world
      .read()
      .virtualBox.media.filter(({ location }) => location.includes(`/${worker}/vbox-kubeadm-disk-`))
      .map(({ location, uuid }) => [basename(location), uuid]),
  );

/** What a refresh makes of the state, all drifts together. */
function seen(
  before: StackState,
  drifts: readonly (readonly [worker: string, drift: Pick<Drift, "seen">])[],
  routes: readonly RouteDrift[] = [],
): StackState {
  const site = stack.world.read();
  const routed = {
    ...before,
    ...Object.fromEntries(routes.map((drift) => [routeKey(drift), drift.seen(before[routeKey(drift)]!)])),
  };
  const after = drifts.reduce((state: StackState, [worker, drift]) => withDrift(state, worker, drift, site), routed);
  return Object.fromEntries(Object.entries(after).filter(([, outputs]) => outputs !== undefined));
}

let nothing: string[];
let made: string[];
let before: StackState;
let disksBefore: Map<string, string>;
const rows: Record<"routes" | "workers" | "cluster" | "refused" | "never", Row[]> = {
  routes: [],
  workers: [],
  cluster: [],
  refused: [],
  never: [],
};
const rowOf = (done: string, saw: Difference[], ...rest: string[]): Row => ({ done, saw, rest });

test("each thing that was changed or removed is seen by refresh, and nothing else", async () => {
  nothing = stack.observed();
  await up();
  before = await readStackState(stack);
  disksBefore = disksOf("disks");
  await act(untouched);
  await adoptedRoute.act(stack.handOn(untouched.worker));
  made = stack.observed();

  await Promise.all(scenarios.map(act));
  for (const drift of routeDrifts) await drift.act(stack.handOn(untouched.worker));
  await refresh();
  const pairs = all.flatMap(({ worker, drifts }) => drifts.map((drift) => [worker, drift] as const));
  expect(await readStackState(stack)).toEqual(seen(before, pairs, [...routeDrifts, adoptedRoute]));

  const routeRow = (drift: RouteDrift) =>
    rowOf(drift.done, differences(before, seen(before, [], [drift])), drift.repair);
  rows.routes = routeDrifts.map(routeRow);
  const workerRows = scenarios.flatMap((scenario) =>
    scenario.drifts.map((drift) =>
      rowOf(
        drift.done,
        differences(before, seen(before, [[scenario.worker, drift]])),
        drift.repair,
        ...outcomesOf(scenario),
      ),
    ),
  );
  rows.workers = Object.keys(changes).flatMap((type) => workerRows.filter(({ saw }) => saw[0]?.type === type));
  rows.never = [
    ...untouched.drifts.map((drift) =>
      rowOf(drift.done, differences(before, seen(before, [[untouched.worker, drift]])), drift.repair),
    ),
    routeRow(adoptedRoute),
  ];
});

test("up fixes all of it, and keeps what need not be recreated", async () => {
  const drifted = stack.world.read();
  const output = await stack.succeed("up", "--yes");
  // A preview cannot know that an ISO that is rewritten will be the same one.
  for (const { worker } of discScenarios) expect(output).toMatch(new RegExp(`vbox:Vm ${worker} replace`));
  for (const worker of ["gone", "partly-gone"])
    expect(output).toMatch(new RegExp(`${worker}: is not reset: VirtualBox says that there is no machine`));
  const fixed = stack.world.read();
  expect(stack.observed()).toEqual(made);
  expect(all.map(({ worker }) => ({ worker, ...fateOf(drifted, fixed, worker, uuidIn(before, worker)) }))).toEqual(
    all.map(({ worker, machine, node }) => ({ worker, machine, node })),
  );
  const same = [...disksOf("disks")].filter(([file, uuid]) => disksBefore.get(file) === uuid);
  expect(same.map(([file]) => file)).toEqual(["vbox-kubeadm-disk-1.vdi"]); // That which was only detached.
  await stack.succeed("preview", "--expect-no-changes");
});

test("what may be another's, or would be lost, is refused, and fixed as the error says", async () => {
  const whole = await readStackState(stack);
  for (const refusal of refusedByRefresh) await refusal.act(stack.handOn(refusal.worker));
  const output = await stack.fail("refresh", "--yes", "--skip-preview");
  for (const refusal of refusedByRefresh) {
    expect(output).toMatch(refusal.says);
    await refusal.fix(stack.handOn(refusal.worker), output);
  }

  const seenOnly = [refusedIso, ...refusedByUp];
  for (const refusal of seenOnly) await refusal.act(stack.handOn(refusal.worker));
  await refresh();
  const pairs = seenOnly.map((refusal) => [refusal.worker, refusal] as const);
  expect(await readStackState(stack)).toEqual(seen(whole, pairs));
  rows.refused = [
    ...refusedByRefresh.map((refusal) => rowOf(refusal.done, [], ...refusalOf("refresh", refusal))),
    ...seenOnly.map((refusal) =>
      rowOf(refusal.done, differences(whole, seen(whole, [[refusal.worker, refusal]])), ...refusalOf("up", refusal)),
    ),
  ];

  const refused = stack.observed();
  expect(await stack.fail("up", "--yes", "--skip-preview", "--target", `**CloudInitIso::${refusedIso.worker}`)).toMatch(
    refusedIso.says,
  );
  expect(stack.observed()).toEqual(refused);
  await refusedIso.fix(stack.handOn(refusedIso.worker), "");
  const reasons = await stack.fail("up", "--yes", "--skip-preview", "--continue-on-error");
  for (const { says } of refusedByUp) expect(reasons).toMatch(says);
  expect(stack.observed()).toEqual(refused);

  for (const refusal of refusedByUp) await refusal.fix(stack.handOn(refusal.worker), reasons);
  await stack.configure(configurationOf(kept, { disks: { disks: grownDisks } }));
  await up();
  const ofOthers = new RegExp(`\\b(${names.filter((name) => !kept.includes(name)).join("|")})\\b`);
  const whatIsKept = made
    .filter((line) => !ofOthers.test(line))
    .map((line) => line.replace(/(disk-1\.vdi) 64 MB/, `$1 ${grownMb} MB`));
  expect(stack.observed()).toEqual(whatIsKept.sort());
});

test("another cluster in the old one's place is seen by its CA, and each worker joins it, one by one", async () => {
  const whole = await readStackState(stack);
  await rebuildCluster(stack);
  await refresh();
  const rebuilt = seenRebuilt(whole, stack);
  expect(await readStackState(stack)).toEqual(rebuilt);
  rows.cluster = [
    rowOf(
      "The masters serve another cluster: another CA, another endpoint",
      differences(whole, rebuilt),
      "replaces each join, one worker at a time",
      "run on",
      "join again",
    ),
  ];

  const site = stack.world.read();
  planFaults(stack.site);
  await up();
  expect(isOneByOne(journal(stack.site))).toBe(true);
  for (const worker of kept)
    expect(fateOf(site, stack.world.read(), worker, uuidIn(whole, worker))).toEqual({
      machine: "runs on",
      node: "rejoins",
    });
  await stack.succeed("preview", "--refresh", "--expect-no-changes");
});

test("every property that a diff compares was seen to drift, or cannot", () => {
  const compared = Object.entries(changes).flatMap(([type, table]) =>
    Object.keys(table)
      .filter((property) => isCompared(type, property))
      .map((property) => `${type} ${property}`),
  );
  const drifted = Object.values(rows)
    .flat()
    .flatMap(({ saw }) => saw)
    .filter(({ type, property }) => property && isCompared(type, property))
    .map(({ type, property }) => `${type} ${property}`);
  const cannot = Object.entries(unseen).flatMap(([type, reasons]) =>
    Object.keys(reasons).map((property) => `${type} ${property}`),
  );
  expect([...new Set(drifted), ...cannot].sort()).toEqual(compared.sort());
});

test("docs/drift.md says what was seen", () => {
  const file = join(projectDir, "docs/drift.md");
  const text = documentText({ ...rows, unseen });
  if (process.env.UPDATE_DOCS) writeFileSync(file, text);
  expect(readFileSync(file, "utf8")).toBe(text);
});

test("destroy leaves nothing, also of what drifted since", async () => {
  await act({ worker: "marked", drifts: [ejected] });
  await act(scenarios.find(({ worker }) => worker === "recreated")!);
  await stack.succeed("destroy", "--yes", "--skip-preview");
  const theirs = `route ${adoptedRoute.destination} `;
  expect(stack.observed().filter((line) => !line.startsWith(theirs))).toEqual(nothing);
});
