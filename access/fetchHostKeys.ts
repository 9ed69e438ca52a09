import { type BastionArgs, resolveBastion, type SshTargetArgs } from "./bastion";
import { type Finding, finding, later, right } from "../common/finding";
import { UserError } from "../common/errors";
import { type Exec, execWithin } from "../common/exec";
import { consoleCommand, keysOf, type KnownKeys, type Offer, shownKey, verdictOn } from "../ssh/hostKeyVerdict";
import { addKnownHost } from "../ssh/knownHostsFile";
import type { Route, RouteTable } from "../routes/route";
import type { SshHost } from "../ssh/target";
import { hostInBrackets } from "../ssh/address";
import { sshCredentials } from "../ssh/credentials";
import { SshError } from "../ssh/error";
import { fingerprint, keyText } from "../ssh/hostKey";
import { offeredHostKey, type OfferOptions } from "../ssh/offered";
import { adviceFor } from "../ssh/open";
import type { Ask } from "../common/terminal";

/** How long a machine may take to show its key, and VBoxManage to tell the bastion's address, in milliseconds. */
const LOOK_MS = 15_000;

/** The machines whose host keys are to be known, and what is known of them. */
export interface HostKeyPlan extends KnownKeys {
  bastion: BastionArgs;
  /** They are reached through the bastion. */
  masters: readonly SshTargetArgs[];
  /** The way to the bastion. */
  routes: readonly Route[];
  vboxManage: string;
}

/** The user, at a terminal. */
export interface Talk {
  show(finding: Finding): void;
  ask: Ask;
}

/** Where to look; the default is this host. */
export interface Ways {
  routes: Pick<RouteTable, "list" | "addByHand">;
  exec?: Exec;
}

/**
 * Looks at the host keys of the bastion and, once its own is known, through it at those of the masters; asks about each
 * that is new, and adds it to the user's known_hosts after a yes. Nobody is sent a credential before his key is known.
 */
export async function fetchHostKeys(plan: HostKeyPlan, talk: Talk, { routes, exec }: Ways): Promise<void> {
  const bastion = await knownBastion(plan, talk, exec);
  if (!bastion) {
    for (const found of await missingRoutes(plan.routes, routes)) talk.show(found);
    return talk.show(
      later(
        `the masters ${plan.masters.map(({ address }) => address).join(", ")}: they are reached through the bastion`,
      ),
    );
  }
  const offers = await Promise.all(plan.masters.map((master) => triedOffer(master, plan, bastion)));
  const told = new Set<string>();
  for (const offer of offers) {
    if (!("is" in offer)) {
      await settle(offer, offer, plan, talk);
      continue;
    }
    // What keeps one master from answering mostly keeps the others too, and is told once.
    if (!told.has(offer.what)) talk.show(offer);
    told.add(offer.what);
  }
}

/** The bastion with the key that it has proved to hold, and that is known now. */
async function knownBastion(plan: HostKeyPlan, talk: Talk, exec?: Exec): Promise<SshHost | undefined> {
  const { address, vm, port } = plan.bastion;
  const known = { address: (address ?? vm)!, port };
  try {
    const host = await resolveBastion(plan.bastion, plan.vboxManage, execWithin(LOOK_MS, exec));
    const key = await offeredHostKey(host, optionsFor(known, plan));
    return (await settle({ ...known, key }, host, plan, talk)) ? { ...host, hostKeys: [keyText(key)] } : undefined;
  } catch (error) {
    talk.show(asFinding(error));
    return undefined;
  }
}

async function triedOffer(master: SshTargetArgs, plan: HostKeyPlan, bastion: SshHost): Promise<Offer | Finding> {
  const { address, port } = master;
  try {
    const through = { bastion, credentials: sshCredentials(master) };
    return { address, port, key: await offeredHostKey(master, { ...optionsFor(master, plan), through }) };
  } catch (error) {
    return asFinding(error);
  }
}

const optionsFor = (machine: { address: string; port?: number }, plan: HostKeyPlan): OfferOptions => ({
  what: machine.address,
  known: keysOf(plan, machine),
  timeoutMs: LOOK_MS,
});

function asFinding(error: unknown): Finding {
  if (!(error instanceof UserError)) throw error;
  const { hint, ...found } = finding("wrong", error);
  return { ...found, hint: hint ?? (error instanceof SshError ? adviceFor(error) : undefined) };
}

/**
 * Tells what is known of an offered key, and asks where nothing is.
 * @param at where it was offered
 * @returns whether it is known now
 */
async function settle(
  offer: Offer,
  at: { address: string; port?: number },
  plan: HostKeyPlan,
  { show, ask }: Talk,
): Promise<boolean> {
  const told = (verdict: Finding) => {
    show(verdict);
    return verdict.is === "right";
  };
  const verdict = verdictOn(offer, plan);
  if (verdict) return told(verdict);
  const { address, port, key } = offer;
  const { path } = plan.files()[0]!;
  if (!(await isConfirmed(offer, at, path, ask))) {
    return told({
      is: "wrong",
      what: `the host key of ${address} was not added`,
      hint: "if the console shows another one, something else answers at this address: find out what, before anything is sent there",
    });
  }
  // Somebody may have written the file while the question stood.
  const now = verdictOn(offer, plan);
  if (now) return told(now);
  try {
    addKnownHost(path, { address, port, key: keyText(key) });
  } catch (error) {
    return told(asFinding(error));
  }
  return told(right(`the host key of ${address} is in ${path} now`));
}

/** As with OpenSSH's own question: `yes` in full, or the fingerprint, which compares them at once. */
async function isConfirmed(
  { address, key }: Offer,
  at: { address: string; port?: number },
  path: string,
  ask: Ask,
): Promise<boolean> {
  const lines = [
    `? ${address} (${hostInBrackets(at.address)}:${at.port ?? 22})  ${shownKey(key)}`,
    `  Compare it with what \`${consoleCommand(key)}\` shows on that machine's own console.`,
    `  Is it the same, and to be added to ${path}? (yes, no, or the fingerprint that the console shows) `,
  ];
  for (let question = lines.join("\n"); ; question = "  Type yes, no, or the fingerprint: ") {
    const answer = (await ask(question)).trim();
    if (/^yes$/i.test(answer) || answer === fingerprint(key.blob)) return true;
    if (/^(no)?$/i.test(answer)) return false;
  }
}

/**
 * The host's routes that are not there, each with the command to type: the first `up`, which adds them, needs the host
 * keys.
 */
async function missingRoutes(wanted: readonly Route[], { list, addByHand }: Ways["routes"]): Promise<Finding[]> {
  const isMissing = await Promise.all(wanted.map(async ({ destination }) => (await list(destination)).length === 0));
  const missing = wanted.filter((_, i) => isMissing[i]);
  return missing.map((route) => ({
    is: "warning",
    what: `there is no route to ${route.destination} on this host yet`,
    hint: `if the bastion is behind it: ${addByHand(route)}; \`pulumi up\` takes it over`,
  }));
}
