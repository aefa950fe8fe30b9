"""The French of what the reports say: headlines, what needs attention, and advice."""

from __future__ import annotations

from typing import Final

# What the reports say, by their English templates; what is here with values is longest first where two could match.
FRENCH_MESSAGES: Final[dict[str, str]] = {
    "All is well: the last run ended at {time} with success": (
        "Tout va bien : la dernière exécution s'est achevée le {time} avec succès"
    ),
    "The last run ended at {time} with success; 1 of {total} stations is silent": (
        "La dernière exécution s'est achevée le {time} avec succès ; 1 station sur {total} est muette"
    ),
    "The last run ended at {time} with success; {silent} of {total} stations are silent": (
        "La dernière exécution s'est achevée le {time} avec succès ; {silent} stations sur {total} sont muettes"
    ),
    "No runs were found. Are these the settings of the pipeline?": (
        "Aucune exécution n'est connue ici. Les réglages sont-ils ceux de la chaîne ?"
    ),
    "The run due at {time} did not start; a later one caught up. Check the scheduler": (
        "L'exécution prévue le {time} n'est pas partie ; une autre a rattrapé. Vérifier le planificateur"
    ),
    "The last run ({time}) failed: {error}": "La dernière exécution ({time}) a échoué : {error}",
    "The last run ({time}) was interrupted. Run it again": (
        "La dernière exécution ({time}) a été interrompue. La relancer"
    ),
    "The last run ({time}) ended with exit code {code}, because data was rejected or unreadable": (
        "La dernière exécution ({time}) s'est achevée avec le code {code}, car des données ont été rejetées ou sont "
        "illisibles"
    ),
    "The last run ({time}) did not finish. It was killed, or its machine stopped; run it again": (
        "La dernière exécution ({time}) ne s'est pas achevée. Elle a été tuée, ou sa machine s'est arrêtée ; la relancer"
    ),
    "The last {number} runs failed, since {time}: {error}": (
        "Les {number} dernières exécutions ont échoué, depuis le {time} : {error}"
    ),
    "The run due at {time} did not start. Start it by hand and check the scheduler": (
        "L'exécution prévue le {time} n'est pas partie. La lancer à la main et vérifier le planificateur"
    ),
    "No run has started since {since}: {number} were due, the last at {time}. Start one by hand and check the scheduler": (
        "Aucune exécution n'est partie depuis le {since} : {number} étaient prévues, la dernière le {time}. En lancer "
        "une à la main et vérifier le planificateur"
    ),
    "{object}: none of {count} cells of {column} ({parameter}) could be read, such as {example} ({position}): {reason}": (
        "{object} : aucune des {count} cellules de {column} ({parameter}) n'a pu être lue, dont {example} ({position}) : "
        "{reason}"
    ),
    "{object}: it lacks {parameter}, which the station reports, but has unknown columns. Was it renamed to {columns}?": (
        "{object} : il manque {parameter}, que la station mesure, et il y a des colonnes inconnues. Renommé ? Peut-être "
        "en {columns}"
    ),
    "{message} (known since {day})": "{message} (connu depuis le {day})",
    "rejected before: {message}": "déjà rejeté : {message}",
    "{number} objects, such as {message}": "{number} objets, dont {message}",
    "{object} has unknown columns: {columns}": "{object} a des colonnes inconnues : {columns}",
    "{number} objects have unknown columns, such as {object}: {columns}": (
        "{number} objets ont des colonnes inconnues, dont {object} : {columns}"
    ),
    "{object} has no column of parameters that the stations report: {parameters}": (
        "{object} n'a pas de colonne de paramètres que les stations mesurent : {parameters}"
    ),
    "{number} objects, such as {object}, have no column of parameters that the stations report: {parameters}": (
        "{number} objets, dont {object}, n'ont pas de colonne de paramètres que les stations mesurent : {parameters}"
    ),
    "{object} lacks rows that the response counts ({number}): are they in objects with its other pages?": (
        "{object} : il manque des lignes que la réponse compte ({number}) ; sont-elles dans les objets de ses autres pages ?"
    ),
    "{objects} objects, such as {object}, lack rows that the response counts ({number}): are they in objects with its other pages?": (
        "{objects} objets, dont {object} : il manque des lignes que les réponses comptent ({number}) ; sont-elles dans les "
        "objets de leurs autres pages ?"
    ),
    "{number} observations that earlier versions of objects gave are no longer in the processed zone; the database keeps them": (
        "{number} observations que donnaient d'anciennes versions d'objets ne sont plus dans la zone traitée ; la base "
        "les garde"
    ),
    "run {run}, started {time}, did not finish": "l'exécution {run}, commencée le {time}, ne s'est pas achevée",
    "The error budget of {objective} is spent: {missed} of {total} missed it in {days} days; the budget is {share}": (
        "Le budget d'erreur de {objective} est épuisé : {missed} sur {total} l'ont manqué en {days} jours ; le budget est "
        "de {share}"
    ),
    "{number} error budgets are spent, most of all that of {objective}: {missed} of {total} missed it in {days} days; the budget is {share}": (
        "{number} budgets d'erreur sont épuisés, surtout celui de {objective} : {missed} sur {total} l'ont manqué en "
        "{days} jours ; le budget est de {share}"
    ),
    "The last load test ({time}) missed {number} objectives: {first}": (
        "Le dernier test de charge ({time}) a manqué {number} objectifs : {first}"
    ),
    "The latency objective was missed: {measure} {found} ms, the limit is {limit} ms": (
        "L'objectif de latence a été manqué : {measure} {found} ms, la limite est de {limit} ms"
    ),
    "All {number} stations are silent: the newest observation is from {time}": (
        "Les {number} stations sont muettes : la dernière observation est du {time}"
    ),
    "Station {station} is silent: its newest observation is from {time}, {hours} hours ago": (
        "Station {station} est muette : sa dernière observation est du {time}, il y a {hours} heures"
    ),
    "Station {station} is late: its newest observation is from {time}": (
        "Station {station} est en retard : sa dernière observation est du {time}"
    ),
    "Station {station} has never sent an observation": "Station {station} n'a jamais envoyé d'observation",
    "Station {station}, {parameters}: {message} ({count} values, {check})": (
        "Station {station}, {parameters} : {message} ({count} valeurs, {check})"
    ),
    "Station {station}, {parameters}: {message} ({count} value, {check})": (
        "Station {station}, {parameters} : {message} ({count} valeur, {check})"
    ),
    "Station {station}: {count} stored values were replaced by records that lack them ({parameters})": (
        "Station {station} : {count} valeurs enregistrées ont été remplacées par des enregistrements qui ne les ont pas "
        "({parameters})"
    ),
    "{number} of {whole} rows ({rate}) were quarantined: {codes}": (
        "{number} lignes sur {whole} ({rate}) mises en quarantaine : {codes}"
    ),
    "{off} above its neighbours; {message}": "{off} au-dessus de ses voisines ; {message}",
    "{off} below its neighbours; {message}": "{off} au-dessous de ses voisines ; {message}",
}
