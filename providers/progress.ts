import { credentials, Metadata } from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { clock, Durations } from "../common/durations";
import { isCliInteractive } from "../common/interactive";
import type { Log } from "../common/log";
import { beginningOf, hanging } from "../common/quoted";
import { callUrn } from "./callUrn";

/** How often a line on a terminal shows the time, in milliseconds. */
const TICK_MS = 1_000;

/** What takes less, in milliseconds, is not timed. */
const LEAST_MS = 3_000;

/** What a resource's row shows, if it does not last. */
interface Row extends Pick<Message, "urn" | "name" | "text"> {
  /** What is being done, without details; empty for a result. */
  phase: string;
  /** When that began, by `performance.now()`. */
  since: number;
  /** How long it took in earlier runs, in milliseconds. */
  usual?: number;
}

/** By URN, those of the operations under way. */
const rows = new Map<string, Row>();

/** What the engine was told last: it gets all in order. */
let told: Promise<void> = Promise.resolve();

let ticker: NodeJS.Timeout | undefined;
let client: EngineClient | undefined;
let interactive: boolean | undefined;
let durations: Durations | undefined;

/**
 * The log of one resource, by its name. In a call whose URN is known it goes to the resource's row: on a terminal without
 * the name, and with the time that what is being done takes; elsewhere as lines with the name. Without a URN it goes to
 * the stack's row. All of it is redacted.
 */
export const logOf =
  (name: string): Log =>
  (line, kind) => {
    const urn = callUrn();
    const isWarning = kind === "warning";
    const text = shown(line);
    if (urn === undefined) print({ name, text, isWarning });
    else if (isWarning) tell({ urn, name, text, isWarning });
    else show(urn, name, text);
  };

const isLive = () => (interactive ??= isCliInteractive());

const shown = (text: string) => hanging(beginningOf(text));

const print = ({ name, text, isWarning = false }: Omit<Message, "urn">) =>
  console.log(shown(`${name}: ${isWarning ? "warning: " : ""}${text}`));

/**
 * Ends an operation's row, once the engine has all that it was told.
 * @param isDone whether the operation has succeeded: then what was done last has come to its end
 */
export async function endProgress(isDone: boolean): Promise<void> {
  const urn = callUrn();
  const row = urn === undefined ? undefined : rows.get(urn);
  if (row) {
    rows.delete(row.urn);
    if (rows.size === 0) clearInterval(ticker);
    if (isDone) keepTime(row);
    // What was being done last would stay on the row until the end of the run.
    if (isDone && row.phase) tell({ ...row, text: "done" });
  }
  await told;
}

function show(urn: string, name: string, text: string): void {
  const phase = phaseOf(text);
  const before = rows.get(urn);
  if (rows.size === 0 && isLive()) ticker = setInterval(tick, TICK_MS).unref();
  if (before && before.phase !== phase) keepTime(before);
  const row =
    before?.phase === phase
      ? { ...before, text }
      : {
          urn,
          name,
          text,
          phase,
          since: performance.now(),
          usual: phase ? kept().usual(thingOf(urn, phase)) : undefined,
        };
  rows.set(urn, row);
  tell({ ...row, text: isLive() ? timed(row) : text });
}

function tick(): void {
  for (const row of rows.values()) if (row.phase) tell({ ...row, text: timed(row), isRepeated: true });
}

/**
 * Forgets all rows, and the engine that they were sent to. For tests.
 * @param isInteractive whether on a terminal. Default: that is found out
 */
export function forgetProgress(isInteractive?: boolean): void {
  clearInterval(ticker);
  client?.close();
  client = durations = undefined;
  interactive = isInteractive;
  rows.clear();
}

/** What is being done: the -ing form, without the details after the colon. Empty for a text in another form. */
const phaseOf = (text: string) => (/^[a-z]+ing\b/.test(text) ? text.split(/: |\n/)[0]! : "");

/** With the time since it began, and how long it usually takes. */
function timed({ text, phase, since, usual }: Row): string {
  const took = performance.now() - since;
  const times = [
    phase && took >= TICK_MS && clock(took),
    usual !== undefined && usual >= LEAST_MS && `usually ${clock(usual)}`,
  ].filter(Boolean);
  return [phase, ...times].join(", ") + text.slice(phase.length);
}

function keepTime({ urn, phase, since }: Row): void {
  const took = performance.now() - since;
  if (phase && took >= LEAST_MS) kept().add(thingOf(urn, phase), took);
}

const kept = () => (durations ??= new Durations());

/** Alike for all resources of a type in a stack. */
const thingOf = (urn: string, phase: string) => [...urn.split("::").slice(0, 3), phase].join("::");

/** The stream of a row's living line; lasting messages are in stream 0, which the CLI does not merge into one. */
const LIVING = 1;

/** How long the engine may take to take a message, in milliseconds. */
const ENGINE_MS = 5_000;

interface Message {
  urn: string;
  /** The resource's own. */
  name: string;
  text: string;
  /** Then it lasts. */
  isWarning?: boolean;
  /** It says nothing new, and may be lost. */
  isRepeated?: boolean;
}

/** What the engine does not take is printed. */
function tell(message: Message): void {
  const { urn, name, text, isWarning = false, isRepeated = false } = message;
  const request = new LogRequest();
  request.setUrn(urn);
  request.setMessage(shown(isLive() ? text : `${name}: ${text}`));
  request.setSeverity(isWarning ? LogSeverity.WARNING : LogSeverity.INFO);
  request.setStreamid(isWarning ? 0 : LIVING);
  request.setEphemeral(!isWarning);
  told = told.then(() => send(request)).catch(() => (isRepeated ? undefined : print(message)));
}

const send = (request: LogRequest) =>
  new Promise<void>((resolve, reject) => {
    // The engine's address is the one argument that it gives a provider's process.
    client ??= new EngineClient(process.argv[2]!, credentials.createInsecure());
    const options = { deadline: Date.now() + ENGINE_MS };
    client.log(request, new Metadata(), options, (error) => (error ? reject(error) : resolve()));
  });
