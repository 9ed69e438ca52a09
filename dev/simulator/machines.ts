import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { randomInt } from "node:crypto";
import { Hosts } from "./hosts";
import { bastionName, bastionPort } from "./sitePaths";
import { serveSsh, type SshMachine } from "./sshServer";
import { World } from "./world";

/** The SSH servers of a site that run. */
export interface Machines {
  /** The bastion's loopback address, which VirtualBox knows as well. */
  address: string;
  port: number;
  /** Ends all connections, and waits for the commands under way. What the site knows stays in its folder. */
  stop(): Promise<void>;
}

/** More than enough addresses for sites that start at the same time by chance. */
const ATTEMPTS = 10;

/**
 * Serves a site's bastion on loopback, and through it the masters and workers, from within this process. Each site that
 * runs has an address of its own in 127.0.0.0/8 (but on Linux only: elsewhere it is 127.0.0.1), which is told to
 * VirtualBox as the bastion's; the port is always the same, as Pulumi's state holds it.
 * @param heard told each command that a machine is given, whole
 */
export async function startMachines(folder: string, heard?: (command: string) => void): Promise<Machines> {
  const world = new World(folder);
  const stopped = new AbortController();
  const running = new Set<Promise<unknown>>();
  const bastion = counted(new Hosts(world, stopped.signal).bastion(), running, heard);
  const sockets = new Set<Socket>();
  const { server, address } = await listen((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true).once("close", () => sockets.delete(socket));
    serveSsh(socket, bastion);
  });
  await world.change(({ virtualBox }) => {
    const machine = virtualBox.machines.find(({ name }) => name === bastionName);
    if (machine) machine.guestProperties["/VirtualBox/GuestInfo/Net/0/V4/IP"] = address;
  });
  const stop = async () => {
    stopped.abort();
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
    await Promise.allSettled(running);
  };
  return { address, port: bastionPort, stop };
}

/** The machine, and those reached from it, with their commands under way in `running`, and told to `heard`. */
function counted(
  machine: SshMachine,
  running: Set<Promise<unknown>>,
  heard: (command: string) => void = () => {},
): SshMachine {
  const { run, reach } = machine;
  const note = <T>(work: Promise<T>): Promise<T> => {
    running.add(work);
    const forget = () => running.delete(work);
    work.then(forget, forget);
    return work;
  };
  return {
    ...machine,
    run: (command, ...rest) => {
      heard(command);
      return note(run(command, ...rest));
    },
    ...(reach && { reach: (...args) => note(reach(...args)).then((next) => next && counted(next, running, heard)) }),
  };
}

async function listen(onConnection: (socket: Socket) => void): Promise<{ server: Server; address: string }> {
  for (let attempt = 1; ; attempt++) {
    const address =
      process.platform === "linux" ? `127.${randomInt(1, 255)}.${randomInt(0, 256)}.${randomInt(1, 255)}` : "127.0.0.1";
    const server = createServer(onConnection).listen(bastionPort, address);
    try {
      await once(server, "listening");
      return { server, address };
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}
