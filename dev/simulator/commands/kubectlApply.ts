import type { Binding } from "../state";
import { failed } from "./command";
import { applyBindings } from "./kubectlBindings";
import { applyToken, type TokenSecret } from "./kubectlToken";
import type { KubectlVerb } from "./kubectlVerb";

/** `kubectl apply --server-side -f -` of a list of bindings, or of a bootstrap token's Secret. */
export const apply: KubectlVerb = ({ state, input }, { flags }) => {
  if (!("server-side" in flags) || flags.filename !== "-")
    return failed('error: only "apply --server-side --filename=-" is simulated');
  const object = JSON.parse(input) as { kind: "List"; items: Binding[] } | TokenSecret;
  return object.kind === "List" ? applyBindings(state.cluster, object.items) : applyToken(state, object);
};
