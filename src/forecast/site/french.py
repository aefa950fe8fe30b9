"""The site in French: the sentences of its pages, and those of the reports that it shows."""

from __future__ import annotations

from typing import Final

FRENCH: Final[dict[str, str]] = {
    "(p95 {p95} ms, at most {slo} ms)": "(p95 {p95} ms, au plus {slo} ms)",
    "1 station: {states}": "1 station : {states}",
    "3 suspect": "3 suspect",
    "4 fail": "4 rejeté",
    "8 and more": "8 et plus",
    "A day as a whole": "Une journée entière",
    "A station's day is read in {number} ms (p95)": "La journée d'une station est lue en {number} ms (p95)",
    "Age": "Âge",
    "Air temperature": "Température de l'air",
    "All reports as a table": "Tous les rapports en tableau",
    "All runs as a table": "Toutes les exécutions en tableau",
    "All stations": "Toutes les stations",
    "Anomalies detected": "Anomalies détectées",
    "The overview shows the date of these data.": "La vue d’ensemble indique la date de ces données.",
    "There are many stations, and their pages are written in turn: this one can be up to a day behind the page of all "
    "stations.": "Les stations sont nombreuses et leurs pages sont écrites à tour de rôle : celle-ci peut avoir jusqu’à un "
    "jour de retard sur la page de toutes les stations.",
    "As of {time}": "État au {time}",
    "Calls": "Appels",
    "Calls left today": "Appels restants aujourd'hui",
    "Calm: {share}. Flagged values are left out.": "Calme : {share}. Les valeurs marquées sont exclues.",
    "Check": "Contrôle",
    "Checks": "Contrôles",
    "Checks by what they examine": "Contrôles, selon ce qu'ils examinent",
    "Cloud cover": "Nébulosité",
    "Completeness by day": "Complétude par jour",
    "Completeness score": "Score de complétude",
    "Days that were requested but not answered:": "Jours demandés et restés sans réponse :",
    "Dew point": "Point de rosée",
    "Drag across a chart to zoom all of them; double-click to reset.": (
        "Glisser sur un graphique pour agrandir tous les graphiques, double-cliquer pour revenir."
    ),
    "Duplicates with differing values": "Doublons aux valeurs différentes",
    "Duration": "Durée",
    "E": "E",
    "Error budget used": "Budget d'erreur consommé",
    "Evaluated": "Évaluées",
    "Exit code {code}.": "Code de sortie {code}.",
    "Extracted": "Extraits",
    "Failed": "Rejetées",
    "Field and value": "Champ et valeur",
    "Find a row, an object or a reason": "Chercher une ligne, un objet ou un motif",
    "Find a station": "Chercher une station",
    "Flag": "Marque",
    "Flagged": "Marquées",
    "Flagged values": "Valeurs marquées",
    "From – to": "De – à",
    "Good values only": "Bonnes valeurs seulement",
    "Gust": "Rafale",
    "In this state since {time}.": "Dans cet état depuis {time}.",
    "Index": "Index",
    "Ingestion": "Collecte",
    "It is in the registry, but nothing has been received from its network.": (
        "Elle est au registre, et rien n'a été reçu de son réseau."
    ),
    "It is in the registry, but the database has no observations of it.": (
        "Elle est au registre, et la base n'a aucune observation d'elle."
    ),
    "It is sending, and few of its values are flagged.": "Elle émet, et peu de ses valeurs sont marquées.",
    "It is sending, but more than {share} of the values of a parameter are flagged on its last day.": (
        "Elle émet, mais plus de {share} des valeurs d'un paramètre sont marquées sur sa dernière journée."
    ),
    "Trend over {number} nights": "Son évolution sur {number} nuits",
    "Its newest observation is older than {hours} hours.": "Sa dernière observation a plus de {hours} heures.",
    "Its newest observation is older than {intervals} of its intervals.": (
        "Sa dernière observation a plus de {intervals} de ses intervalles."
    ),
    "Kept": "Gardée",
    "Last run": "Dernière exécution",
    "Last value": "Dernière valeur",
    "Last value {time}": "Dernière valeur {time}",
    "Latency": "Latence",
    "Latency objective": "Objectif de latence",
    "Latency of a station's day, p95": "Latence d'une journée de station, p95",
    "Latency: the last query found nothing": "Latence : la dernière requête n'a rien trouvé",
    "Latency: the objective is met, p95 {p95} ms": "Latence : l'objectif est tenu, p95 {p95} ms",
    "Latency: the objective is missed, p95 {p95} ms": "Latence : l'objectif est manqué, p95 {p95} ms",
    "Least": "Min.",
    "Min. – max.": "Min. – max.",
    "Map of the stations": "Carte des stations",
    "Mean": "Moyenne",
    "Measured": "Mesuré",
    "Met": "Tenu",
    "Most": "Max.",
    "N": "N",
    "Needs attention": "À surveiller",
    "Network": "Réseau",
    "New or changed": "Nouvelles ou modifiées",
    "Newest observation": "Dernière observation",
    "Newest observation, by network": "Dernière observation, par réseau",
    "Next run due {time}": "Prochaine exécution prévue {time}",
    "No latency has been measured yet": "Aucune latence n'a encore été mesurée",
    "There are no observations yet.": "Il n'y a pas encore d'observation.",
    "There are no runs yet.": "Il n'y a pas encore d'exécution.",
    "There are no stations": "Il n'y a aucune station",
    "No value was flagged.": "Aucune valeur n'a été marquée.",
    "Discarded": "Écartée",
    "Nothing found.": "Rien de trouvé.",
    "Nothing.": "Rien.",
    "Numbers of the last run": "Chiffres de la dernière exécution",
    "Object and reason": "Objet et motif",
    "Objective": "Objectif",
    "Objectives of the last {number} days": "Objectifs des {number} derniers jours",
    "A station's day": "Le jour d'une station",
    "A station's week": "La semaine d'une station",
    "The newest observation of every station": "La dernière observation de chaque station",
    "The map of the last hour": "La carte de la dernière heure",
    "The flagged values of a week": "Les valeurs marquées d'une semaine",
    "The newest observation is at most {number} hours old": "La dernière observation a au plus {number} heures",
    "{query}: answered": "{query} : répondue",
    "{query}: {measure} at most {number} ms": "{query} : {measure} au plus {number} ms",
    "Objects that the last run rejected or could not read completely": (
        "Objets que la dernière exécution a rejetés ou n'a pas pu lire en entier"
    ),
    "Observation": "Observation",
    "Fresh": "À jour",
    "Overview": "Aperçu",
    "Pages": "Pages",
    "Parameter": "Paramètre",
    "Present weather": "Temps présent",
    "Pressure (sea level)": "Pression (niveau de la mer)",
    "Pressure (station)": "Pression (station)",
    "Quality": "Qualité",
    "Quality: {flagged} values flagged, {values} checked": "Qualité : {flagged} valeurs marquées, {values} contrôlées",
    "Later runs had no new values to check.": (
        "Les exécutions suivantes n'avaient pas de nouvelle valeur à contrôler."
    ),
    "Quarantine": "Quarantaine",
    "Quarantine: {rows} rows, and {objects} objects rejected by the last run": (
        "Quarantaine : {rows} lignes, et {objects} objets rejetés par la dernière exécution"
    ),
    "Quarantined rows, by object and reason": "Lignes en quarantaine, par objet et motif",
    "Rain": "Pluie",
    "Rain counter": "Compteur de pluie",
    "Rain rate": "Intensité de pluie",
    "Rain, 1 h": "Pluie, 1 h",
    "Rain, 3 h": "Pluie, 3 h",
    "Rain, 6 min": "Pluie, 6 min",
    "Air temperature, lowest of 1 h": "Température de l'air, minimum sur 1 h",
    "Air temperature, highest of 1 h": "Température de l'air, maximum sur 1 h",
    "Gust, 10 min": "Rafale, 10 min",
    "Gust, 1 h": "Rafale, 1 h",
    "Rain, 10 min": "Pluie, 10 min",
    "Rain, 6 h": "Pluie, 6 h",
    "Rain, 12 h": "Pluie, 12 h",
    "Rain, 24 h": "Pluie, 24 h",
    "Solar irradiance, 10 min": "Rayonnement solaire, 10 min",
    "Sunshine, 6 min": "Insolation, 6 min",
    "Sunshine, 10 min": "Insolation, 10 min",
    "Sunshine, 1 h": "Insolation, 1 h",
    "Soil temperature, 5 cm": "Température du sol, 5 cm",
    "Soil temperature, 10 cm": "Température du sol, 10 cm",
    "Soil temperature, 20 cm": "Température du sol, 20 cm",
    "Soil temperature, 50 cm": "Température du sol, 50 cm",
    "Soil temperature, 100 cm": "Température du sol, 100 cm",
    "Received, last day": "Reçues, dernier jour",
    "Records extracted": "Enregistrements extraits",
    "Records rejected": "Enregistrements rejetés",
    "Records validated": "Enregistrements validés",
    "Rejected": "Rejetés",
    "Rejection rate": "Taux de rejet",
    "Relative humidity": "Humidité relative",
    "Report of {time}. Flags are shown next to the values; no value is changed.": (
        "Rapport du {time}. Les marques accompagnent les valeurs ; aucune valeur n'est modifiée."
    ),
    "Rows": "Lignes",
    "Rows with an error are kept unchanged, and can be processed again with forecast replay.": (
        "Les lignes fautives sont gardées telles quelles, et peuvent être traitées à nouveau avec forecast replay."
    ),
    "Rows read": "Lignes lues",
    "Run": "Exécution",
    "Runs": "Exécutions",
    "Runs start when due and finish": "Les exécutions partent à l'heure prévue et arrivent à leur terme",
    "S": "S",
    "Share": "Part",
    "Share of values flagged, by sensor": "Part de valeurs marquées, par capteur",
    "Skip to the content": "Aller au contenu",
    "Snow depth": "Hauteur de neige",
    "Solar irradiance": "Rayonnement solaire",
    "Solar irradiance, 1 h": "Rayonnement solaire, 1 h",
    "Solar irradiance, 6 min": "Rayonnement solaire, 6 min",
    "Source of the record kept": "Source de la valeur gardée",
    "Started": "Début",
    "State": "État",
    "Station": "Station",
    "Station and day": "Station et jour",
    "Stations": "Stations",
    "Status": "Statut",
    "Suspect": "Suspectes",
    "Target": "Cible",
    "That run was due {ago}, and this page has not been updated since.": (
        "Cette exécution était prévue {ago}, et cette page n'a pas été mise à jour depuis."
    ),
    "The charts need a script. The numbers of the week are below.": (
        "Les graphiques demandent un script. Les chiffres de la semaine sont plus bas."
    ),
    "The database could not be reached, so this page only shows what is in the reports: {fault}": (
        "La base de données n'a pas pu être interrogée ; cette page est faite des seuls rapports : {fault}"
    ),
    "The error budget is the share of measurements that may miss an objective. If more than all of it is used, the objective is missed.": (
        "Le budget d'erreur est la part qui peut manquer un objectif. S'il est dépassé, l'objectif est manqué."
    ),
    "The last run": "La dernière exécution",
    "The last seven days": "Les sept derniers jours",
    "The newest observation is from {time}": "La dernière observation est du {time}",
    "The processed zone could not be read: {fault}": "La zone traitée n'a pas pu être lue : {fault}",
    "The station alone": "La station seule",
    "The station among its neighbours": "La station parmi ses voisines",
    "The stations with the most flagged values; {number} more are on the page of the stations.": (
        "Les stations aux valeurs marquées les plus nombreuses ; {number} autres sont sur la page des stations."
    ),
    "The week in numbers": "La semaine en chiffres",
    "There are none.": "Il n'y en a pas.",
    "There is no ingest report: the raw zone is filled by something other than forecast ingest.": (
        "Il n'y a pas de rapport de collecte : la zone brute est remplie par autre chose que forecast ingest."
    ),
    "There is no quality report yet.": "Il n'y a pas encore de rapport de qualité.",
    "There is no report yet": "Il n'y a pas encore de rapport",
    "There were none.": "Il n'y en a pas eu.",
    "Query time for a station's day": "Durée de la requête d'une journée de station",
    "UV index": "Indice UV",
    "Unchanged": "Inchangées",
    "Validated": "Validés",
    "Values": "Valeurs",
    "Values flagged": "Valeurs marquées",
    "Visibility": "Visibilité",
    "W": "O",
    "What the states mean": "Ce que signifient les états",
    "Why": "Pourquoi",
    "Wind direction": "Direction du vent",
    "Wind of the week": "Vent de la semaine",
    "Wind rose": "Rose des vents",
    "Wind speed": "Vent moyen",
    "Worst episodes": "Pires épisodes",
    "Written by the pipeline, version {version}, from its reports and its database. All times are UTC. Outlines: Natural Earth.": (
        "Écrit par la chaîne de traitement, version {version}, à partir de ses rapports et de sa base. "
        "Toutes les heures sont en UTC. Contours : Natural Earth."
    ),
    "and {number} more": "et {number} de plus",
    "complete": "complet",
    "days": "jours",
    "did not finish": "inachevée",
    "error": "erreur",
    "every {minutes} min": "toutes les {minutes} min",
    "failed": "échec",
    "fresh": "à jour",
    "gap: nothing came": "trou : rien n'est arrivé",
    "half": "à moitié",
    "interrupted": "interrompue",
    "known": "connu",
    "late": "en retard",
    "left out": "exclues",
    "licence {name}": "licence {name}",
    "limit {number}": "limite {number}",
    "little": "peu",
    "marked": "signalées",
    "met": "tenu",
    "missed": "manqué",
    "more than 5 % flagged": "plus de 5 % marquées",
    "most": "presque tout",
    "never sent": "jamais reçue",
    "not delivered": "non livrée",
    "new": "nouveau",
    "no run": "pas d'exécution",
    "none": "aucune",
    "not in the registry": "hors registre",
    "not measured": "non mesuré",
    "note": "note",
    "nothing": "rien",
    "nothing for {age}": "rien depuis {age}",
    "objective {number} ms": "objectif {number} ms",
    "objects: {number}": "objets : {number}",
    "of {number} extracted": "sur {number} extraits",
    "of {number} records": "sur {number} enregistrements",
    "{number} values checked": "{number} valeurs contrôlées",
    "over {number} records": "sur {number} enregistrements",
    "partial": "partielle",
    "quota_reached": "quota atteint",
    "running": "en cours",
    "silent": "muette",
    "success": "succès",
    "suspect": "suspecte",
    "the first of them, {position}": "la première, {position}",
    "unknown": "inconnu",
    "usually {number}": "d'habitude {number}",
    "warning": "alerte",
    "{number} flagged": "{number} marquées",
    "{number} flagged: {checks}": "{number} marquées : {checks}",
    "{number} more rows are in rejected/ of the processed zone.": (
        "{number} lignes de plus sont dans rejected/ de la zone traitée."
    ),
    "{number} observations since {day}.": "{number} observations depuis {day}.",
    "{number} stations: {states}": "{number} stations : {states}",
    "{number} values": "{number} valeurs",
    "{parameter}: {flagged} of {received} values of its last day are flagged": (
        "{parameter} : {flagged} valeurs marquées sur {received} de sa dernière journée"
    ),
    "{records} records validated, {new} new documents, {rejected} records rejected.": (
        "{records} enregistrements validés, {new} nouveaux documents, {rejected} enregistrements rejetés."
    ),
}

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
