import { UserError } from "../../common/errors";
import { oddAnswers } from "./oddAnswers";

/**
 * A reader of some program's output. Give it to {@link readsOddAnswers}, and it gets empty, cut, foreign and doubled
 * answers: each must be read rightly, or be an error for the user, and never a default in silence.
 */
export interface Reader {
  /** What is read, such as `kubectl get node`. */
  name: string;
  /** An answer that it understands. */
  answer: string;
  /** Reads an answer. */
  read(output: string): unknown;
  /** What an empty answer means, where it means something. Default: it is an error. */
  empty?: unknown;
  /** The same answer in other words, as another language's. */
  foreign?: string[];
  /**
   * How much may be missing at the end without anybody being able to know: `rest`, the list may have less in it; a
   * text: what follows its first occurrence. Default: nothing.
   */
  mayLose?: "rest" | { after: string };
}

/** An odd answer, and what a reader may make of it, if anything. */
type Odd = [what: string, output: string, allowed: (value: unknown) => boolean];

/** Tests a reader by all odd answers. Call it among tests. */
export function readsOddAnswers(reader: Reader): void {
  test(`${reader.name}: an odd answer is read rightly, or is an error`, async () => {
    const right = await reader.read(reader.answer);
    const failures: string[] = [];
    for (const [what, output, allowed] of oddAnswersOf(reader, right)) {
      const fault = await faultOf(reader, output, allowed);
      if (fault) failures.push(`${what}: ${fault}`);
    }
    expect(failures).toEqual([]);
  });
}

async function faultOf(
  { read }: Reader,
  output: string,
  allowed: (value: unknown) => boolean,
): Promise<string | undefined> {
  try {
    const value = await read(output);
    return allowed(value) ? undefined : `was read as ${JSON.stringify(value)?.slice(0, 200)}`;
  } catch (error) {
    return error instanceof UserError ? undefined : `threw what is no error for a user: ${String(error)}`;
  }
}

function oddAnswersOf({ answer, empty, foreign = [], mayLose }: Reader, right: unknown): Odd[] {
  const isRight = (value: unknown) => isSame(value, right);
  const isShorter = (value: unknown) =>
    Array.isArray(value) && Array.isArray(right) && isSame(value, right.slice(0, value.length));
  const isEmpty = (value: unknown) => empty !== undefined && isSame(value, empty);
  // Where an answer is cut is tried more closely here.
  const others = Object.entries(oddAnswers(answer)).filter(
    ([what]) => !["half of it", "all but its last characters"].includes(what),
  );
  return [
    ...["", "\n", "  \r\n"].map((output): Odd => [JSON.stringify(output), output, isEmpty]),
    ...cuts(answer, mayLose).map((output): Odd => [
      `cut behind ${JSON.stringify(output.slice(-30))}`,
      output,
      mayLose === "rest" ? isShorter : isRight,
    ]),
    ...others.map(([what, output]): Odd => [what, output, output.trim() === "" ? isEmpty : isRight]),
    ...foreign.map((output): Odd => [output.slice(0, 60), output, isRight]),
  ];
}

/** The answer as it is cut at the end of each line and, where it is JSON or the line is long, in the middle of it. */
function cuts(answer: string, mayLose: Reader["mayLose"]): string[] {
  const whole = answer.trimEnd();
  const end = typeof mayLose === "object" ? whole.indexOf(mayLose.after) : whole.length;
  const ends = [...whole.matchAll(/\n/g)].flatMap(({ index }, i, all) => [
    Math.floor((index + (all[i - 1]?.index ?? 0)) / 2),
    index,
  ]);
  const inside = /^[[{]/.test(whole)
    ? Array.from({ length: 20 }, (_, i) => Math.floor((whole.length * (i + 1)) / 21))
    : [];
  return [...new Set([...ends, ...inside])].filter((at) => at > 0 && at < end).map((at) => whole.slice(0, at));
}

const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
