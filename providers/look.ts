import { UserError } from "../common/errors";
import { type Finding, shownFindings } from "../common/finding";
import { lookAtSite, type SitePlan } from "../checks/site";
import type { Log } from "../common/log";

/**
 * The look of this process, and for whom each finding was told. One serves all resources of a preview, another one all
 * of the `up` after it.
 */
let made: { findings: Promise<Finding[]>; told: Map<Finding, string> } | undefined;

/**
 * Looks at what the stack of a resource needs, which is to be made: once for all its resources, and what is found is
 * told once. What another worker alone needs is told when that is to be made: an `up --target` may leave it out.
 * @param name the worker's
 * @returns why the resource cannot be made, or undefined
 */
export async function problemOf(
  name: string,
  plan: SitePlan,
  log: Log,
  look = lookAtSite,
): Promise<string | undefined> {
  const isFirst = made === undefined;
  made ??= { findings: look(plan), told: new Map() };
  const { told } = made;
  const findings = await made.findings;
  const are = (is: Finding["is"]) => findings.filter((finding) => finding.is === is);
  if (isFirst) for (const one of are("warning")) log(shownFindings([one]), "warning");
  if (isFirst) for (const { what } of are("later")) log(`not looked at yet: ${what}`, "warning");
  const wrong = are("wrong").filter(({ of }) => of === undefined || of.includes(name));
  if (wrong.length === 0) return undefined;
  const untold = wrong.filter((one) => !told.has(one));
  for (const one of untold) told.set(one, name);
  const failed = wrong.some((one) => isOfAll(one, plan)) ? "no machine is made" : `${name} is not made`;
  if (untold.length === 0) return `${failed}: see what was found for ${told.get(wrong[0]!)}`;
  return new UserError(
    untold.length === 1
      ? `${failed}, as one thing is missing or wrong`
      : `${failed}, as ${untold.length} things are missing or wrong`,
    {
      output: shownFindings(untold),
      hint: "correct this, and run it again; `pulumi config set checks off` leaves it to each step to find out",
    },
  ).message;
}

const isOfAll = ({ of }: Finding, { workers }: SitePlan) =>
  of === undefined || workers.every(({ name }) => of.includes(name));

/** Has the next resource look again. For tests. */
export const forgetLook = (): void => void (made = undefined);
