import { UserError } from "../common/errors";
import { type Finding, shownFindings } from "../common/finding";
import { lookAtSite, type SitePlan } from "../checks/site";

/** The look of this process. One serves all resources of a preview, another one all of the `up` after it. */
let made: { by: string; findings: Promise<Finding[]> } | undefined;

/**
 * Looks at what the stack of a resource needs, which is to be made: once for all its resources, and what is found is told once.
 * @returns why nothing of the stack can be made, or undefined
 */
export async function problemOf(name: string, plan: SitePlan, log: (line: string) => void, look = lookAtSite): Promise<string | undefined> {
  const isFirst = made === undefined;
  made ??= { by: name, findings: look(plan) };
  const findings = await made.findings;
  const are = (is: Finding["is"]) => findings.filter((finding) => finding.is === is);
  if (isFirst) for (const one of are("warning")) log(`warning: ${shownFindings([one])}`);
  if (isFirst) for (const { what } of are("later")) log(`not looked at yet: ${what}`);
  const wrong = are("wrong");
  if (wrong.length === 0) return undefined;
  if (!isFirst) return `no machine is made: see what was found for ${made.by}`;
  return new UserError(wrong.length === 1 ? "no machine is made, as one thing is missing or wrong" : `no machine is made, as ${wrong.length} things are missing or wrong`, {
    said: shownFindings(wrong),
    todo: "correct this, and run it again; `pulumi config set checks off` leaves it to each step to find out",
  }).message;
}

/** Has the next resource look again. For tests. */
export const forgetLook = (): void => void (made = undefined);
