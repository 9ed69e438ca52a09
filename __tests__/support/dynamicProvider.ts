import { credentials } from "@grpc/grpc-js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import { ConfigureRequest } from "@pulumi/pulumi/proto/provider_pb";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { projectDir } from "../../dev/lab/paths";

/** A process of the SDK's dynamic provider, as the engine starts it, and how the engine talks to it. */
export interface DynamicProvider {
  client: ResourceProviderClient;
  end(): Promise<void>;
}

/** @param engine the address that it is told */
export async function startDynamicProvider(engine = "127.0.0.1:1"): Promise<DynamicProvider> {
  const script = require.resolve("@pulumi/pulumi/cmd/dynamic-provider");
  const child: ChildProcess = spawn(process.execPath, [script, engine], {
    cwd: projectDir,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [port] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
  const client = new ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure());
  const configuration = new ConfigureRequest();
  configuration.setArgs(Struct.fromJavaScript({}));
  await new Promise((resolve, reject) =>
    client.configure(configuration, (error, answer) => (error ? reject(error) : resolve(answer))),
  );
  return {
    client,
    end: async () => {
      client.close();
      child.kill();
      await once(child, "exit");
    },
  };
}

/** Inputs or a state with a provider of this code: the text of a module whose `handler` makes it. */
export const withProvider = (code: string, properties: Record<string, JavaScriptValue> = {}) =>
  Struct.fromJavaScript({ ...properties, __provider: code });
