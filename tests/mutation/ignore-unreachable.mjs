import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';

/**
 * Leaves out what the types say is never reached: a switch's `default` that holds `… satisfies never`. No test can tell
 * a mutant there from the original.
 */
export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, 'unreachable', {
    shouldIgnore({ node }) {
      if (node.type !== 'SwitchCase' || node.test !== null) return undefined;
      return node.consequent.some(holdsNever) ? 'unreachable by its type' : undefined;
    },
  }),
];

function holdsNever(statement) {
  const expression = statement.type === 'ReturnStatement' ? statement.argument : statement.expression;
  return expression?.type === 'TSSatisfiesExpression' && expression.typeAnnotation.type === 'TSNeverKeyword';
}
