import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { UserError } from "../../common/errors";

/** Until a server has answered with its headers. */
const answerTimeoutMs = 5_000;
/** Until a whole file is here. */
const fileTimeoutMs = 20 * 60_000;

/** A file cannot be had from here now: no internet, downloads switched off, or a server that answers with an error. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
}

/** Gets files from the internet, where there is one. */
export interface Downloader {
  /** Why nothing can be downloaded in this run; undefined as long as it may be worth a try. */
  readonly offline: string | undefined;
  /** A small text. @throws Unavailable */
  text(url: string): Promise<string>;
  /**
   * A file, whose SHA-256 must be the given one: 64 hexadecimal digits. Anything else in its place counts as
   * unavailable.
   * @throws Unavailable
   * @throws UserError when the file arrived and is not the right one; it is removed
   */
  file(url: string, path: string, sha256: string): Promise<void>;
}

/**
 * A downloader that asks once whether there is an internet: the first connection that is refused or not answered within
 * 5 s ends all downloads of this run.
 * @param mode the environment's `VBOX_KUBEADM_DOWNLOAD`: `auto` (the default), or `never`
 * @throws UserError on any other mode
 */
export function createDownloader(mode = "auto"): Downloader {
  if (mode !== "auto" && mode !== "never") {
    throw new UserError(`VBOX_KUBEADM_DOWNLOAD is "${mode}"`, { hint: `set it to "auto" or "never"` });
  }
  let offline = mode === "never" ? "VBOX_KUBEADM_DOWNLOAD=never" : undefined;

  async function open(url: string): Promise<Response> {
    if (offline) throw new Unavailable(offline);
    const response = await answer(url).catch((error: unknown) => {
      offline = `no connection to ${new URL(url).host}`;
      throw new Unavailable(offline, { cause: error });
    });
    if (!response.ok) throw new Unavailable(`${url} answers ${response.status}`);
    return response;
  }

  return {
    get offline() {
      return offline;
    },
    text: async (url) => (await readOrUnavailable(url, (await open(url)).text())).trim(),
    file: async (url, path, sha256) => {
      if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Unavailable(`${url} has no published checksum`);
      const { body } = await open(url);
      if (!body) throw new Unavailable(`${url} is empty`);
      const actual = await readOrUnavailable(url, save(Readable.fromWeb(body), path)).catch(async (error: unknown) => {
        await rm(path, { force: true });
        throw error;
      });
      if (actual === sha256) return;
      await rm(path);
      throw new UserError(`${url} is not what its publisher's checksum says`, {
        output: `expected ${sha256}\nreceived ${actual}`,
        hint: "try again; with VBOX_KUBEADM_DOWNLOAD=never it is built from source instead",
      });
    },
  };
}

/** Resolves with the headers. The deadline for the body is the longer one. */
async function answer(url: string): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), answerTimeoutMs);
  try {
    return await fetch(url, { signal: AbortSignal.any([late.signal, AbortSignal.timeout(fileTimeoutMs)]) });
  } finally {
    clearTimeout(timer);
  }
}

/** A connection that breaks half-way spoils this file alone. */
async function readOrUnavailable<T>(url: string, reading: Promise<T>): Promise<T> {
  return reading.catch((error: unknown) => {
    throw new Unavailable(`${url} broke off`, { cause: error });
  });
}

/** Writes the stream to a file, and gives its SHA-256. */
async function save(body: Readable, path: string): Promise<string> {
  const hash = createHash("sha256");
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(body, hashing, createWriteStream(path));
  return hash.digest("hex");
}
